// Decides on reports in Chromium: by keyboard alone, and without script. Started by `console_browser.rs` as `pages.mjs` is.
//
// Reads from stdin: base, people. Writes one line for each fault, and "done" at the end.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const { chromium } = createRequire(join(process.argv[2], "package.json"))("playwright-core");
const task = JSON.parse(readFileSync(0, "utf8"));
const person = task.people.approver;
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });

const fault = (text) => console.log(`fault ${text}`);
const expect = (is, text) => is || fault(text);
const path = (page) => new URL(page.url()).pathname + new URL(page.url()).search;
const focused = (page) => page.evaluate(() => {
  const it = document.activeElement;
  return it.dataset?.key ?? it.name ?? it.tagName;
});
// A key that leads to another page.
const press = async (page, ...keys) => {
  const last = keys.pop();
  for (const key of keys) await page.keyboard.press(key);
  await Promise.all([page.waitForEvent("domcontentloaded"), page.keyboard.press(last)]);
};

async function byKeyboard() {
  const page = await (await browser.newContext({ locale: "zh-CN" })).newPage();
  await page.goto(`${task.base}/review`);
  await page.keyboard.type(person.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(person.password);
  await press(page, "Enter");
  expect(path(page) === "/review", `signing in leads to ${path(page)}`);
  await press(page, "g", "t");
  expect(path(page) === "/", `g t leads to ${path(page)}`);
  await press(page, "g", "r");
  const first = await page.textContent(".entry[aria-current] strong");
  await press(page, "j");
  const second = await page.textContent(".entry[aria-current] strong");
  expect(first !== second, `j stays at ${first}`);
  await press(page, "k");
  expect((await page.textContent(".entry[aria-current] strong")) === first, "k does not go back");
  await page.keyboard.press("r");
  expect((await focused(page)) === "words", `r leads to ${await focused(page)}`);
  await page.keyboard.type("请补充离职证明");
  await page.keyboard.press("Escape");
  await page.keyboard.press("r");
  expect((await focused(page)) === "r", `r leads to ${await focused(page)}`);
  await press(page, "Enter");
  expect(path(page) === "/review?done=rejected", `sending back leads to ${path(page)}`);
  expect((await page.textContent(".entry[aria-current] strong")) === second, "the next one is not open");
  await page.keyboard.press("a");
  expect((await focused(page)) === "a", `a leads to ${await focused(page)}`);
  await press(page, "Enter");
  expect(path(page) === "/review?done=approved", `approving leads to ${path(page)}`);
  await page.keyboard.press("?");
  expect(await page.isVisible("#keys"), "? shows no keys");
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  expect((await focused(page)) === "q", `/ leads to ${await focused(page)}`);
  await page.keyboard.type("赵");
  await press(page, "Enter");
  expect((await page.textContent(".rows")).includes("赵六"), "a search by one character does not find 赵六");
  expect(!page.url().includes("%"), `a search stands in the address: ${page.url()}`);
}

async function withoutScript() {
  const context = await browser.newContext({ locale: "en", javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${task.base}/review`);
  await page.fill("[name=email]", person.email);
  await page.fill("[name=password]", person.password);
  await page.click("main button");
  await page.fill("[name=words]", "ok");
  await page.click("button[data-key=a]");
  expect(path(page) === "/review?done=approved", `approving without script leads to ${path(page)}`);
  await page.click("header .links button[name=language]");
  expect((await page.getAttribute("html", "lang")) === "en", "the language does not change without script");
  await page.click("header .links summary >> nth=0");
  await page.click("header .links form[action='/sign-out'] button");
  expect(path(page) === "/sign-in", `signing out leads to ${path(page)}`);
}

await byKeyboard();
await withoutScript();
await browser.close();
console.log("done");
