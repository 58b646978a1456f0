// A small complete background-check vendor on the official Node SDK.
//
// Publishes what it asks of hirers, is told of bound accounts and of orders, reports progress, returns the
// result, and gives up an order that it cannot carry out. Events come by webhook or over the long connection:
//
//     node connector.js --mode webhook --port 9000
//     node connector.js --mode long-connection
//
// Settings come from the environment: DOMAIN (default http://127.0.0.1:8090), APP_ID, APP_SECRET, and for the
// webhook VERIFICATION_TOKEN and, where the app's events are encrypted, ENCRYPT_KEY.

const http = require("node:http");
const { parseArgs } = require("node:util");
const lark = require("@larksuiteoapi/node-sdk");

const { DOMAIN: domain = "http://127.0.0.1:8090", APP_ID: appId, APP_SECRET: appSecret } = process.env;
const { VERIFICATION_TOKEN: verificationToken, ENCRYPT_KEY: encryptKey } = process.env;

const client = new lark.Client({ appId, appSecret, domain });

// What the platform refuses is ours to look at: its code, its words, and the log id to quote.
async function must(call, what) {
  const body = await call.catch((error) => error.response?.data ?? Promise.reject(error));
  if (body.code !== 0) {
    throw new Error(`${what}: ${body.code} ${body.msg}, log id ${body.error?.log_id}`);
  }
  console.log(`done: ${what}`);
}

// --- What we publish ------------------------------------------------------------------------------

// Asks each hirer for its number with us, when it binds an account.
function publishAccountForm() {
  const field = {
    key: "customer_number",
    name: { zh_cn: "客户编号", en_us: "Customer number" },
    is_required: true,
  };
  const call = client.hire.ecoAccountCustomField.create({ data: { scope: 1, custom_field_list: [field] } });
  return must(call, "publish the account form");
}

// Asks for the degree to verify, with each order of this account.
function publishOrderForm(accountId) {
  const field = {
    type: "select",
    key: "degree",
    name: { zh_cn: "最高学历", en_us: "Highest degree" },
    is_required: true,
    options: [
      { key: "bachelor", name: { zh_cn: "本科", en_us: "Bachelor" } },
      { key: "master", name: { zh_cn: "硕士", en_us: "Master" } },
    ],
  };
  const data = { account_id: accountId, custom_field_list: [field] };
  return must(client.hire.ecoBackgroundCheckCustomField.create({ data }), "publish the order form");
}

function publishPackages(accountId) {
  const data = {
    account_id: accountId,
    package_list: [{ id: "standard", name: "标准背调" }],
    additional_item_list: [{ id: "employment", name: "工作履历核实" }],
  };
  return must(client.hire.ecoBackgroundCheckPackage.create({ data }), "publish the packages");
}

// --- What we do -----------------------------------------------------------------------------------

function reportProgress(orderId, stageId, stageName, stageEnName) {
  const data = {
    background_check_id: orderId,
    stage_id: stageId,
    stage_name: stageName,
    stage_en_name: stageEnName,
    stage_time: String(Date.now()),
  };
  return must(client.hire.ecoBackgroundCheck.updateProgress({ data }), `report ${stageId} of ${orderId}`);
}

function returnResult(orderId) {
  const report = {
    report_name: "背调报告",
    report_url: `https://vendor.example/reports/${orderId}`,
    report_url_type: 2,
  };
  const data = {
    background_check_id: orderId,
    result: "绿灯",
    result_time: String(Date.now()),
    report_file_list: [report],
  };
  return must(client.hire.ecoBackgroundCheck.updateResult({ data }), `return the result of ${orderId}`);
}

// The platform recommends a last stage 已终止 before an order is canceled.
async function giveUp(orderId) {
  await reportProgress(orderId, "ended", "已终止", "ended");
  await must(
    client.hire.ecoBackgroundCheck.cancel({ data: { background_check_id: orderId } }),
    `cancel ${orderId}`,
  );
}

async function carryOut(order) {
  if (!order.candidate_info.mobile?.number) {
    // We cannot reach the candidate.
    return giveUp(order.background_check_id);
  }
  await reportProgress(order.background_check_id, "begun", "已开始核实", "verification begun");
  await returnResult(order.background_check_id);
}

// --- What we are told -----------------------------------------------------------------------------

// An event must be taken within 3 seconds, so that the work is done behind it. It may come twice, and then has
// the same id; a real vendor keeps ids and work in its database.
const seen = new Set();
let work = Promise.resolve();

function take(event, ...steps) {
  if (seen.has(event.event_id)) {
    return;
  }
  seen.add(event.event_id);
  for (const step of steps) {
    work = work.then(step).catch((error) => console.log(`failed: ${error.message}`));
  }
}

const dispatcher = new lark.EventDispatcher({ verificationToken, encryptKey }).register({
  "hire.eco_account.created_v1": async (account) => {
    const filled = Object.fromEntries(account.custom_field_list.map(({ key, value }) => [key, value]));
    console.log(`bound: account ${account.account_id} of customer ${filled.customer_number}`);
    take(
      account,
      () => publishOrderForm(account.account_id),
      () => publishPackages(account.account_id),
    );
  },
  "hire.eco_background_check.created_v1": async (order) => {
    console.log(`ordered: ${order.background_check_id}, package ${order.package_id}`);
    take(order, () => carryOut(order));
  },
  "hire.eco_background_check.canceled_v1": async (order) => {
    console.log(`ended by the hirer: ${order.background_check_id}, ${order.termination_reason}`);
  },
});

// --- How events come ------------------------------------------------------------------------------

async function main() {
  const { values } = parseArgs({
    options: {
      mode: { type: "string", default: "webhook" },
      port: { type: "string", default: "9000" },
    },
  });
  await publishAccountForm();
  if (values.mode === "webhook") {
    // The SDK checks and opens each POST, and answers the check of the URL.
    const adapter = lark.adaptDefault("/events", dispatcher, { autoChallenge: true });
    http.createServer(adapter).listen(Number(values.port), "127.0.0.1", () => console.log("ready"));
  } else {
    console.log("ready");
    await new lark.WSClient({ appId, appSecret, domain }).start({ eventDispatcher: dispatcher });
  }
}

main();
