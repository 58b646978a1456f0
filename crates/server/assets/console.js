// Comfort for pages that work without it: copying, keys, menus that close, times in the viewer's zone. Nothing here decides
// anything: each action is a link or a form of the page.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.remove("no-script");

  // The server writes times in the zone of this cookie.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes(`zone=${zone}`)) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `zone=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  }

  const say = (text) => {
    const place = document.getElementById("said");
    if (!place || !text) return;
    place.textContent = text;
    place.hidden = false;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { place.hidden = true; }, 2500);
  };

  document.addEventListener("click", async (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      try {
        await navigator.clipboard.writeText(copy.dataset.copy);
        say(copy.dataset.copied);
      } catch {
        say(copy.dataset.copy);
      }
    }
    const opens = event.target.closest("[data-opens]");
    if (opens) document.getElementById(opens.dataset.opens)?.showModal();
    if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  // A reason from the list goes where it can be changed.
  document.addEventListener("click", (event) => {
    const reason = event.target.closest("[data-reason]");
    const words = document.querySelector("textarea[name=words]");
    if (!reason || !words) return;
    event.preventDefault();
    words.value = reason.dataset.reason;
    reason.closest("details")?.removeAttribute("open");
    words.focus();
  });

  // A form goes out once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    // What is saved leaves the page as it is.
    if (form.getAttribute("action").endsWith("/export")) setTimeout(() => delete form.dataset.sent, 2000);
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // Keys.
  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]");
  const go = (name) => document.querySelector(`[data-go="${name}"]`)?.click();
  const step = (by) => {
    const entries = [...document.querySelectorAll("a.entry")];
    const at = entries.findIndex((entry) => entry.hasAttribute("aria-current"));
    entries[at + by]?.click();
  };
  let before = "";
  document.addEventListener("keydown", (event) => {
    const search = document.querySelector(".top > .search input");
    if ((event.metaKey || event.ctrlKey) && event.key === "k" && search) {
      event.preventDefault();
      search.focus();
      return;
    }
    if (event.key === "Escape") {
      const menu = document.querySelector("details.menu[open]");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      } else if (isTyping(event.target)) {
        event.target.blur();
      }
      return;
    }
    if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]:not(.still)")) return;
    const pair = before + event.key;
    before = event.key === "g" ? "g" : "";
    const places = { go: "orders", gr: "review", gt: "today", gm: "account" };
    if (places[pair]) return go(places[pair]);
    const focus = (selector) => {
      const target = document.querySelector(selector);
      if (!target) return;
      event.preventDefault();
      target.focus();
    };
    switch (event.key) {
      case "/": if (search) { event.preventDefault(); search.focus(); } break;
      case "?": document.getElementById("keys")?.showModal(); break;
      case "j": step(1); break;
      case "k": step(-1); break;
      case "a": focus("[data-key=a]"); break;
      case "r": focus(document.querySelector("textarea[name=words]")?.value ? "[data-key=r]" : "textarea[name=words]"); break;
      case "w": focus("[data-key=w]"); break;
    }
  });
})();
