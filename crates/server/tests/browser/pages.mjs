// Drives Chromium over the console's pages: looks for faults of accessibility, for anything inline or from elsewhere, and
// for weight; and takes a picture of each page where it is told to.
//
// Started by `console_browser.rs` with the folder of the installed packages. Reads one JSON object from stdin:
//   base      the server's address
//   pictures  the folder for pictures; null for none
//   people    { name: { email, password } }
//   pages     [{ name, path, as, full? }], `as` a name of `people` or null
// Writes one line for each fault to stdout, and "done" at the end.

import { createRequire } from "node:module";
import { readFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const task = JSON.parse(readFileSync(0, "utf8"));

const BYTES_MAX = 100 * 1024;
const REQUESTS_MAX = 6;
// Each width, theme and language at least once; all of their combinations where pictures are wanted.
const ALL = ["zh-CN", "en"].flatMap((language) =>
  ["light", "dark"].flatMap((theme) => [1280, 390].map((width) => ({ language, theme, width }))));
const chosen = process.env.WAYS?.split(" ");
const WAYS = chosen ? ALL.filter((way) => chosen.includes(`${way.language}-${way.theme}-${way.width}`))
  : task.pictures ? ALL : [ALL[0], ALL[7]];

const fault = (text) => console.log(`fault ${text}`);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });

async function open(locale, colorScheme, width) {
  const context = await browser.newContext({
    locale,
    colorScheme,
    reducedMotion: "reduce",
    timezoneId: "Asia/Shanghai",
    viewport: { width, height: width > 400 ? 820 : 844 },
    // The packages' own script is put in beside the page's policy.
    bypassCSP: false,
  });
  return context;
}

async function signIn(context, person, language) {
  const page = await context.newPage();
  await page.goto(`${task.base}/sign-in`);
  await page.fill("[name=email]", person.email);
  await page.fill("[name=password]", person.password);
  await Promise.all([page.waitForURL((url) => url.pathname !== "/sign-in"), page.click("main button")]);
  // People keep the language in which they joined until they choose another one.
  const isWanted = await page.evaluate((wanted) => document.documentElement.lang === wanted, language);
  if (!isWanted) {
    await page.evaluate((wanted) => document.querySelector(`button[value="${wanted}"]`).click(), language);
    await page.waitForFunction((wanted) => document.documentElement.lang === wanted, language);
  }
  await page.close();
}

// What a page loads and says, from its first request on.
function watch(page, where, status) {
  const seen = { requests: 0, bytes: 0 };
  page.on("console", (message) => {
    // A page that is refused says so itself.
    if (message.type() === "error" && !(status && message.text().includes(`status of ${status}`))) fault(`${where}: ${message.text()}`);
  });
  page.on("pageerror", (error) => fault(`${where}: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== task.base) fault(`${where}: asks ${url.origin}`);
  });
  page.on("response", async (response) => {
    // What a browser loads to show a PDF is its own.
    if (!response.url().startsWith(task.base) || response.frame() !== page.mainFrame()) return;
    const kind = response.headers()["content-type"] ?? "";
    if (!kind.startsWith("text/") && kind !== "image/svg+xml") return;
    if (kind.startsWith("text/event-stream")) return;
    seen.requests += 1;
    seen.bytes += (await response.body().catch(() => Buffer.alloc(0))).length;
  });
  return seen;
}

// The axe rules run in a world of their own, which the page's policy does not reach.
async function look(page, where) {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
  const evaluate = (expression, awaitPromise) =>
    session.send("Runtime.evaluate", { expression, awaitPromise, contextId: executionContextId, returnByValue: true });
  await evaluate(axe, false);
  const rules = JSON.stringify({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
  const result = await evaluate(`axe.run(document, ${rules}).then((it) => it.violations
    .map((it) => ({ id: it.id, impact: it.impact, nodes: it.nodes.map((node) => node.html.slice(0, 160)) })))`, true);
  for (const found of result.result.value ?? []) {
    const weight = ["serious", "critical"].includes(found.impact) ? "fault" : "note";
    console.log(`${weight} ${where}: ${found.id} (${found.impact}) ${found.nodes.slice(0, 2).join(" | ")}`);
  }
  if (result.exceptionDetails) fault(`${where}: axe did not run: ${result.exceptionDetails.text}`);
  await session.detach();
}

// Nothing is cut: the page is no wider than the window.
async function measure(page, where) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) fault(`${where}: is ${wide} px wider than the window`);
}

async function visit(context, it, where) {
  const page = await context.newPage();
  const seen = watch(page, where, it.status);
  const answer = await page.goto(`${task.base}${it.path}`, { waitUntil: "load" });
  if (answer.status() !== (it.status ?? 200)) fault(`${where}: answered ${answer.status()}`);
  await measure(page, where);
  await look(page, where);
  if (seen.bytes > BYTES_MAX) fault(`${where}: ${seen.bytes} bytes`);
  if (seen.requests > REQUESTS_MAX) fault(`${where}: ${seen.requests} requests`);
  if (task.pictures) {
    // The browser's own viewer of a report needs a moment.
    if (await page.$("iframe")) await page.waitForTimeout(900);
    await page.screenshot({ path: join(task.pictures, `${where}.png`), fullPage: it.full ?? false });
  }
  await page.close();
  return seen;
}

if (task.pictures) mkdirSync(task.pictures, { recursive: true });
let heaviest = { bytes: 0 };
for (const { language, theme, width } of WAYS) {
  const contexts = new Map();
  for (const it of task.pages) {
    if (!contexts.has(it.as)) {
      const context = await open(language, theme, width);
      if (it.as) await signIn(context, task.people[it.as], language);
      contexts.set(it.as, context);
    }
    const where = `${it.name}-${language}-${theme}-${width}`;
    const seen = await visit(contexts.get(it.as), it, where);
    if (seen.bytes > heaviest.bytes) heaviest = { ...seen, where };
  }
  for (const context of contexts.values()) await context.close();
}
await browser.close();
console.log(`note heaviest page: ${heaviest.where}, ${heaviest.bytes} bytes in ${heaviest.requests} requests`);
console.log("done");
