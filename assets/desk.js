// The desk with a little more comfort: times in the reader's zone, keys, copy
// buttons, the reviewer's name, and pages that follow the record by themselves.
// Every page works without this file. Text of others only ever becomes text.
"use strict";

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Some browsers refuse storage; then nothing is remembered.
const memory = {
  get(key) {
    try { return localStorage.getItem(key); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(key, value); } catch { /* nothing is remembered */ }
  },
};

// ---- Times ----

const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

function showTimes(root) {
  for (const time of all("time[datetime]", root)) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.textContent = (time.classList.contains("day") ? day : full).format(at);
  }
}

// ---- Copying ----

function addCopyButtons(root) {
  if (!navigator.clipboard) return;
  for (const place of all(".copyable", root)) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet copy";
    button.textContent = "Copy";
    const command = one("code", place).textContent;
    button.setAttribute("aria-label", `Copy ${command}`);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(command);
        say("Copied");
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not copied";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    place.append(button);
  }
}

// ---- The form ----

function prepareForm() {
  const form = one("#decide");
  if (!form) return;
  const reviewer = one("[name=reviewed_by]", form);
  if (!reviewer.value) reviewer.value = memory.get("golive.reviewer") || "";
  form.addEventListener("submit", (event) => {
    memory.set("golive.reviewer", reviewer.value);
    // A second press of the button is not a second decision.
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  // Whoever comes back to this page may send it again.
  addEventListener("pageshow", () => { delete form.dataset.sent; });
}

// ---- Keys ----

const PAGES = { q: "/", p: "/problems", a: "/activity" };
let waitsForPage = 0;

function rows() {
  return all("#queue tr[data-report] a[href]");
}

function step(by) {
  const links = rows();
  const at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = links[at < 0 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1)];
  next?.focus();
  next?.closest("tr").scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
  const field = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (field) {
    if (event.key === "Escape" && field.id === "search") field.blur();
    return;
  }
  if (one("dialog[open]") || (memory.get("golive.keys") === "off" && event.key !== "?")) return;
  if (Date.now() < waitsForPage && PAGES[event.key]) {
    location.assign(PAGES[event.key]);
    return;
  }
  waitsForPage = 0;
  const acts = {
    j: () => step(1),
    k: () => step(-1),
    o: () => document.activeElement.closest?.("tr[data-report]")?.querySelector("a[href]").click(),
    g: () => { waitsForPage = Date.now() + 1500; },
    d: () => {
      one("#decide")?.scrollIntoView({ block: "nearest" });
      one("#decide [name=status]")?.focus();
    },
    "/": () => {
      const search = one("#search");
      if (search) search.select();
      else location.assign("/#search");
    },
    "?": () => one("#keys").showModal(),
  };
  const act = acts[event.key];
  if (!act) return;
  act();
  event.preventDefault();
}

function prepareKeys() {
  const dialog = one("#keys");
  const show = one("#show-keys");
  show.hidden = false;
  show.addEventListener("click", () => dialog.showModal());
  const areOn = one("#keys-on");
  areOn.checked = memory.get("golive.keys") !== "off";
  areOn.addEventListener("change", () => memory.set("golive.keys", areOn.checked ? "on" : "off"));
  addEventListener("keydown", onKey);
  if (location.hash === "#search") one("#search")?.focus();
}

// ---- News for those who do not see the page change ----

function say(text) {
  let voice = one("#voice");
  if (!voice) {
    voice = document.createElement("p");
    voice.id = "voice";
    voice.className = "sr";
    voice.setAttribute("role", "status");
    document.body.append(voice);
  }
  voice.textContent = text;
}

// ---- Pages that follow the record ----

// What is taken from a newer page; what somebody types in is not among it.
const FOLLOWS = ["#lead", "#picture", "#tabs", "#list", "#n-pending", "#n-problems"];
const isList = Boolean(one("#list"));
const report = one(".page[data-report]")?.dataset.report;
const isNow = report && !one("#earlier");
let commit = document.body.dataset.commit;
let refreshing = null;
let again = false;

// Refreshes at most one at a time, and not more than once a second.
function refresh() {
  if (refreshing) {
    again = true;
    return;
  }
  refreshing = (async () => {
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { accept: "text/html" } });
      if (answer.ok) take(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The connection is gone; the stream tells when it is back.
    }
    await new Promise((done) => { setTimeout(done, 1000); });
    refreshing = null;
    if (again) {
      again = false;
      refresh();
    }
  })();
}

function take(page) {
  const focused = document.activeElement;
  const focusedRow = focused?.closest?.("tr[data-report]")?.dataset.report;
  const focusedHref = focused?.closest?.(FOLLOWS.join())?.contains(focused) && focused.getAttribute("href");
  const anchor = anchorRow(focusedRow);
  const top = anchor?.getBoundingClientRect().top;
  // A page without reports has no form to search in; it comes as a whole.
  if (!one("#tabs") !== !one("#tabs", page) && !isTyping()) {
    one("#main").replaceWith(document.adoptNode(one("#main", page)));
  } else {
    for (const selector of FOLLOWS) {
      const [mine, theirs] = [one(selector), one(selector, page)];
      if (mine && theirs && mine.innerHTML !== theirs.innerHTML) mine.replaceWith(document.adoptNode(theirs));
    }
  }
  document.title = page.title;
  commit = page.body.dataset.commit;
  showTimes(document);
  const stays = anchor && one(`tr[data-report="${anchor.dataset.report}"]`);
  if (stays) scrollBy({ top: stays.getBoundingClientRect().top - top, behavior: "instant" });
  if (document.activeElement === document.body) {
    const row = focusedRow && one(`tr[data-report="${focusedRow}"] a[href]`);
    const link = focusedHref && all("#main a[href]").find((link) => link.getAttribute("href") === focusedHref);
    (row || link || null)?.focus({ preventScroll: true });
  }
}

function isTyping() {
  return Boolean(document.activeElement?.closest("input, textarea, select"));
}

// The row that keeps its place on the screen: the focused one, else the first in sight.
function anchorRow(focused) {
  if (scrollY < 1) return null;
  const seen = all("tr[data-report]").find((row) => row.getBoundingClientRect().top >= 0);
  return (focused && one(`tr[data-report="${focused}"]`)) || seen;
}

async function tellNews(change) {
  const news = one("#news");
  let who = "";
  try {
    const answer = await fetch(`/api/v1/reports/${report}/history`);
    const [latest] = await answer.json();
    if (latest.commit === one(".page").dataset.latest) return;
    const verbs = { submit: "submitted", resubmit: "submitted again", approve: "approved", reject: "rejected", reopen: "reopened" };
    who = ` It was ${verbs[latest.event] || "changed"} by ${latest.author.name}.`;
  } catch {
    if (!change) return;
  }
  const link = document.createElement("a");
  link.href = `/reports/${report}`;
  link.textContent = "Show it as it is now";
  const strong = document.createElement("strong");
  strong.textContent = "This report was changed.";
  const typed = all("#decide textarea, #decide input[type=text]").some((field) => field.value !== field.defaultValue);
  const hint = typed ? " What you typed stays here until you do." : "";
  news.replaceChildren(strong, `${who} `, link, hint);
  news.hidden = false;
}

function onCommit(data) {
  if (isList) refresh();
  const change = data.reports?.find((changed) => changed.id === report);
  if (isNow && change) tellNews(change);
  commit = data.commit || commit;
}

// A browser opens few connections to one host, and each page would hold one. So
// one page of this browser has the stream, and tells the others.
const channel = "BroadcastChannel" in window ? new BroadcastChannel("golive-events") : null;
let stream = null;

// What happened between the moment this page was made and now.
function catchUp() {
  if (isList) refresh();
  else tellNews(null);
}

function onMessage({ name, data }) {
  if (name === "hello") {
    if (stream) channel.postMessage({ name: "here", data: { commit } });
  } else if (name === "here") {
    if (data.commit !== commit) catchUp();
  } else {
    onEvent(name, data);
  }
}

function onEvent(name, data) {
  if (name === "commit") onCommit(data);
  else if (isList) refresh();
  else if (isNow && name === "reset") tellNews(null);
}

function openStream() {
  if (stream || !("EventSource" in window)) return;
  stream = new EventSource(`/api/v1/events?last_event_id=${encodeURIComponent(commit)}`);
  for (const name of ["commit", "problems", "reset"]) {
    stream.addEventListener(name, (event) => {
      let data = {};
      try { data = JSON.parse(event.data); } catch { /* an event without data */ }
      channel?.postMessage({ name, data });
      onEvent(name, data);
    });
  }
  // A browser tries again by itself, unless it was refused.
  stream.addEventListener("error", () => {
    if (stream?.readyState !== EventSource.CLOSED) return;
    closeStream();
    setTimeout(openStream, 10000 + Math.random() * 10000);
  });
}

function closeStream() {
  stream?.close();
  stream = null;
}

function follow() {
  if (!isList && !isNow) return;
  if (channel && navigator.locks) {
    channel.addEventListener("message", (event) => onMessage(event.data));
    channel.postMessage({ name: "hello" });
    let release = () => {};
    const hold = () => navigator.locks.request("golive-events", () => new Promise((done) => {
      release = done;
      openStream();
    })).catch(() => {});
    hold();
    // A page that is kept for the way back must not keep the stream.
    addEventListener("pagehide", () => { closeStream(); release(); });
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      hold();
      catchUp();
    });
    return;
  }
  // No locks without TLS: only a page that is looked at has a stream.
  const look = () => (document.hidden ? closeStream() : openStream());
  addEventListener("visibilitychange", look);
  addEventListener("pagehide", closeStream);
  addEventListener("pageshow", look);
  look();
}

showTimes(document);
addCopyButtons(document);
prepareForm();
prepareKeys();
follow();
