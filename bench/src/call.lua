-- The load: final results of arranged orders, each order once.
--
-- Arguments: file of calls, file of tokens, first call, most calls, responses after which to stop (0: never),
-- whether to begin anew when the calls are used up (1: yes, for a server that keeps nothing), and a file of orders to read:
-- each line the path and the key; without one nothing is read, with one every 20th request is a read.
-- A line of the calls is the order's id (19 digits), a space and the place of its tenant's token (4 digits).

local line_bytes = 25
local lines, place, ends, tokens, begins_anew = "", 1, 0, {}, false
local reads, requests = {}, 0
sent, exhausted = 0, 0

local head = "POST /open-apis/hire/v1/eco_background_checks/update_result HTTP/1.1\r\n"
   .. "Host: 127.0.0.1\r\nContent-Type: application/json; charset=utf-8\r\n"
local parts = {
   '{"background_check_id":"',
   '","result":"绿灯","result_time":"1767225600000","operator_role":1,"report_file_list":'
      .. '[{"report_name":"背调报告.pdf","report_url":"https://reports.example.com/view/',
   '","report_url_type":2}]}',
}
local length = #parts[1] + #parts[2] + #parts[3] + 2 * 19
head = head .. "Content-Length: " .. length .. "\r\nAuthorization: Bearer "

function init(args)
   for token in io.lines(args[2]) do
      tokens[#tokens + 1] = head .. token .. "\r\n\r\n" .. parts[1]
   end
   local file = assert(io.open(args[1], "rb"))
   file:seek("set", tonumber(args[3]) * line_bytes)
   lines = file:read(tonumber(args[4]) * line_bytes) or ""
   file:close()
   ends = #lines
   begins_anew = args[6] == "1"
   if args[7] then
      for line in io.lines(args[7]) do
         local path, key = line:match("(%S+) (%S+)")
         reads[#reads + 1] = "GET " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " .. key .. "\r\n\r\n"
      end
   end
   local stop_after, parsed = tonumber(args[5]), 0
   if stop_after > 0 then
      response = function()
         parsed = parsed + 1
         if parsed == stop_after then
            wrk.thread:stop()
         end
      end
   end
end

function request()
   requests = requests + 1
   if #reads > 0 and requests % 20 == 0 then
      return reads[(requests / 20) % #reads + 1]
   end
   if place > ends then
      -- What each connection is still given before the loop ends are calls from the start, so that no tenant
      -- gets many of them at once and meets its limit.
      place = 1
      if not begins_anew then
         exhausted = 1
         wrk.thread:stop()
      end
   end
   local order = lines:sub(place, place + 18)
   local token = tonumber(lines:sub(place + 20, place + 23)) + 1
   place = place + line_bytes
   sent = sent + 1
   return tokens[token] .. order .. parts[2] .. order .. parts[3]
end

local threads = {}

function setup(thread)
   threads[#threads + 1] = thread
end

function done(summary, latency)
   local all_sent, any_exhausted = 0, 0
   for _, thread in ipairs(threads) do
      all_sent = all_sent + thread:get("sent")
      any_exhausted = any_exhausted + thread:get("exhausted")
   end
   local errors = summary.errors
   io.write(string.format(
      "\nparsed %d %d %.0f %.0f %d %d %d %d\n",
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.status, errors.connect + errors.read + errors.write + errors.timeout, all_sent, any_exhausted
   ))
end
