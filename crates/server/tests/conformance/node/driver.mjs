// Drives the official Node SDK for the conformance tests.
//
// Reads one command per line (JSON) from stdin and writes one line (JSON) to stdout for each:
// {"answer": {...}} to a command, in the order of the commands, and in between
// {"event": {...}} for each event that a handler got and {"served": {...}} for each request
// that a receiver answered, and {"line": {...}} when a long connection is there again or is
// given up. README.md beside this folder lists commands and members.
//
// The SDK is used as its users use it. Its token cache lives as long as the process, so a
// test that starts another server starts another driver.
//
// Usage: node driver.mjs FOLDER, where FOLDER holds the node_modules with the SDK.

import { AsyncLocalStorage } from "node:async_hooks";
import { Console } from "node:console";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

// The SDK logs to stdout, which here belongs to the protocol.
globalThis.console = new Console(process.stderr, process.stderr);

const lark = createRequire(resolve(process.argv[2], "package.json"))("@larksuiteoapi/node-sdk");

// The exchange that a command is in, so that what the SDK hides from its user on success
// (status and headers) can be reported beside what it shows.
const exchange = new AsyncLocalStorage();

lark.defaultHttpInstance.defaults.transformResponse = [
  lark.defaultHttpInstance.defaults.transformResponse,
  (data, headers, status) => {
    Object.assign(exchange.getStore() ?? {}, { status, headers, data });
    return data;
  },
].flat();

// Command's method: the typed function of `client.hire`.
const typedCalls = {
  create_packages: (client) => client.hire.ecoBackgroundCheckPackage.create,
  update_packages: (client) => client.hire.ecoBackgroundCheckPackage.batchUpdate,
  delete_packages: (client) => client.hire.ecoBackgroundCheckPackage.batchDelete,
  create_account_fields: (client) => client.hire.ecoAccountCustomField.create,
  update_account_fields: (client) => client.hire.ecoAccountCustomField.batchUpdate,
  delete_account_fields: (client) => client.hire.ecoAccountCustomField.batchDelete,
  create_check_fields: (client) => client.hire.ecoBackgroundCheckCustomField.create,
  update_check_fields: (client) => client.hire.ecoBackgroundCheckCustomField.batchUpdate,
  delete_check_fields: (client) => client.hire.ecoBackgroundCheckCustomField.batchDelete,
  update_progress: (client) => client.hire.ecoBackgroundCheck.updateProgress,
  update_result: (client) => client.hire.ecoBackgroundCheck.updateResult,
  cancel: (client) => client.hire.ecoBackgroundCheck.cancel,
};

// Query's method: the typed function of `client.hire`.
const queries = {
  list_orders: (client) => client.hire.backgroundCheckOrder.list,
  query_orders: (client) => client.hire.backgroundCheckOrder.batchQuery,
};

const typedTokenCalls = {
  tenant: (client) => client.auth.tenantAccessToken.internal,
  app: (client) => client.auth.appAccessToken.internal,
};

let app;
let behaviour = { refuse: 0, slow_ms: 0 };
let client;
let manualClient;

const commands = {
  // Builds the clients as an SDK user does.
  configure({ app_id: appId, app_secret: appSecret, domain, kind }) {
    app = { app_id: appId, app_secret: appSecret };
    // A client of a store app asks for a ticket by itself when none was stored yet.
    const appType = kind === "store" ? lark.AppType.ISV : lark.AppType.SelfBuild;
    client = new lark.Client({ appId, appSecret, domain, appType });
    manualClient = new lark.Client({ appId, appSecret, domain, disableTokenCache: true });
    return { ok: true };
  },

  // One typed call; `token` absent: the SDK's own, text: that one, null: none at all.
  call(command) {
    const [chosen, option] = choose(command);
    return attempt(() => typedCalls[command.method](chosen)({ data: command.body }, option));
  },

  // One typed query; `typed` is what the SDK gives its user as `data`.
  query({ method, params, body: data }) {
    return attempt(
      () => queries[method](client)({ params, ...(data && { data }) }),
      (body) => ({ ...describe(body), typed: body?.data ?? null }),
    );
  },

  // One call through the SDK's general request function.
  untyped(command) {
    const [chosen, option] = choose(command);
    const { method, path: url, body: data } = command;
    return attempt(() => chosen.request({ method, url, data }, option));
  },

  // A token: `managed` by the SDK's token manager, else by the typed call `tenant` or `app`.
  async token({ kind = "managed" }) {
    if (kind === "managed") {
      return attempt(
        () => client.tokenManager.getTenantAccessToken(),
        (token) => ({ ok: true, token }),
      );
    }
    return attempt(
      () => typedTokenCalls[kind](manualClient)({ data: app }),
      (body) => ({ ...describe(body), token: body[`${kind}_access_token`], expire: body.expire }),
    );
  },

  // Asks for the store app's next ticket, by the typed call.
  resend_ticket() {
    return attempt(() => client.auth.appTicket.resend({ data: app }));
  },

  // Starts a receiver around the SDK's dispatcher on a free port of the loopback.
  async receive({ encrypt_key: encryptKey, verification_token: verificationToken, path = "/", refuse_first: refuseFirst = 0 }) {
    const dispatcher = new lark.EventDispatcher({ encryptKey, verificationToken });
    let remaining = refuseFirst;
    const onEvent = async (data) => {
      if (remaining > 0) {
        remaining -= 1;
        throw new Error("refused as the test asked");
      }
      emit("event", describeEvent(data));
    };
    dispatcher.register({
      "hire.eco_account.created_v1": onEvent,
      "hire.eco_background_check.created_v1": onEvent,
      "hire.eco_background_check.canceled_v1": onEvent,
    });
    const adapter = lark.adaptDefault(path, dispatcher, { autoChallenge: true });
    const server = createServer((request, response) => {
      watch(request, response);
      // A handler that throws leaves the request without an answer; so it is with this SDK.
      adapter(request, response).catch((error) => console.error(`receiver: ${error.message}`));
    });
    await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
    return { ok: true, port: server.address().port };
  },

  // Opens a long connection with the SDK's client, until the process ends.
  connect({ domain, event_types: eventTypes }) {
    const handlers = Object.fromEntries(eventTypes.map((eventType) => [eventType, onPushed]));
    const line = new lark.WSClient({
      appId: app.app_id,
      appSecret: app.app_secret,
      domain,
      onError: (error) => emit("line", { state: "given up", error: error.message }),
      onReconnected: () => emit("line", { state: "back" }),
    });
    line.start({ eventDispatcher: new lark.EventDispatcher({}).register(handlers) });
    return { ok: true };
  },

  // Says what the long connection's handlers do with the next events.
  behave({ refuse = 0, slow_ms = 0 }) {
    behaviour = { refuse, slow_ms };
    return { ok: true };
  },
};

async function onPushed(data) {
  emit("event", describeEvent(data));
  const slowMs = behaviour.slow_ms;
  behaviour.slow_ms = 0;
  if (slowMs > 0) {
    await new Promise((done) => setTimeout(done, slowMs));
  }
  if (behaviour.refuse > 0) {
    behaviour.refuse -= 1;
    throw new Error("refused as the test asked");
  }
}

// The client and option that send the token asked for.
function choose(command) {
  if ("tenant_key" in command) {
    // The SDK's dispatcher keeps the ticket by itself.
    return [client, lark.withTenantKey(command.tenant_key)];
  }
  if (!("token" in command)) {
    return [client, undefined];
  }
  return [manualClient, command.token === null ? undefined : lark.withTenantToken(command.token)];
}

// Runs one exchange and says what its caller sees: the body, or what was thrown.
async function attempt(run, show = describe) {
  return exchange.run({}, async () => {
    try {
      return show(await run());
    } catch (error) {
      const thrown = { thrown: error.name, error: error.message };
      return error.response
        ? { ...describe(error.response.data), ...thrown }
        : { ...observed(), ok: false, ...thrown };
    }
  });
}

function describe(body) {
  const error = body?.error ?? {};
  return {
    ok: true,
    success: body?.code === 0,
    code: body?.code ?? null,
    msg: body?.msg ?? null,
    field_violations: error.field_violations ?? null,
    permission_violations: error.permission_violations ?? null,
    error_log_id: error.log_id ?? null,
    ...observed(),
  };
}

// What went over the wire last; the SDK shows it only on errors.
function observed() {
  const { status, headers, data } = exchange.getStore();
  return {
    http_status: status ?? null,
    log_id: headers?.get("X-Tt-Logid") ?? null,
    headers: headers?.toJSON() ?? null,
    raw: data ?? null,
  };
}

// The flat object that the handler got; header and event are merged in it.
function describeEvent(data) {
  const { schema, event_id, event_type, create_time, token, app_id, tenant_key, ...body } = data;
  const header = { event_id, event_type, create_time, token, app_id, tenant_key };
  return { event_type, event_id, header, body };
}

// Reports one request and its answer, whatever the SDK made of it.
function watch(request, response) {
  let requestBody = "";
  request.on("data", (chunk) => {
    requestBody += chunk;
  });
  const end = response.end.bind(response);
  response.end = (content, ...rest) => {
    const raw = request.rawHeaders;
    const headers = {};
    for (let at = 0; at < raw.length; at += 2) {
      headers[raw[at]] = raw[at + 1];
    }
    // Written before the answer goes out, so that a test that saw the sender go on finds it here.
    emit("served", {
      path: request.url,
      headers,
      is_encrypted: requestBody.startsWith('{"encrypt"'),
      request_body: requestBody,
      status: response.statusCode,
      answer: content ?? "",
    });
    return end(content, ...rest);
  };
}

function emit(kind, content) {
  process.stdout.write(`${JSON.stringify({ [kind]: content })}\n`);
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.do === "quit") {
    emit("answer", { ok: true });
    break;
  }
  try {
    emit("answer", await commands[command.do](command));
  } catch (error) {
    emit("answer", { ok: false, thrown: error.name, error: error.message });
  }
}
// Receivers would keep the process alive.
process.exit(0);
