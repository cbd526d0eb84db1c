// The page: a list of jobs, and a job as it happens. Everything that comes from
// outside becomes text, never markup.
"use strict";

const $ = (id) => document.getElementById(id);
const main = $("main");
let token = sessionStorage.getItem("token") || "";
let view = null; // what is shown, and how to leave it
let filter = "";

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) made.append(child);
  return made;
}

// Puts these in place of what is there; nothing stands for nothing.
function fill(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

const count = (n) => n === null || n === undefined ? "–" : Number(n).toLocaleString("en-US");
function bytes(n) {
  if (n === null || n === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  while (n >= 1024 && i < units.length - 1) { n /= 1024; i += 1; }
  return (i && n < 100 ? n.toFixed(1) : Math.round(n)) + " " + units[i];
}
function seconds(s) {
  if (s < 90) return s.toFixed(s < 10 ? 1 : 0) + " s";
  return s < 5400 ? Math.round(s / 60) + " min" : (s / 3600).toFixed(1) + " h";
}
const time = (ms) => ms ? new Date(ms).toLocaleString() : "–";

function alertOf(error) {
  $("alert").hidden = !error;
  $("alert").textContent = error ? String(error.message || error) : "";
}

class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.message || "the service answered " + status);
    this.status = status;
    this.findings = problem.findings || [];
  }
}

async function ask(method, path, body, signal) {
  const headers = {};
  if (token) headers["Authorization"] = "Bearer " + token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  if (response.ok) return response;
  if (response.status === 401) { askForToken(); }
  throw new Refused(response.status, await response.json().catch(() => ({})));
}
const json = async (method, path, body, signal) => (await ask(method, path, body, signal)).json();

function askForToken() {
  if (!$("token-dialog").open) $("token-dialog").showModal();
}
$("token-form").addEventListener("submit", () => {
  token = $("token").value.trim();
  sessionStorage.setItem("token", token);
  route();
});

// Server-sent events by fetch: an EventSource cannot send a token.
async function follow(path, signal, onEvent) {
  const response = await ask("GET", path, undefined, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    for (let end; (end = rest.indexOf("\n\n")) >= 0;) {
      const lines = rest.slice(0, end).split("\n");
      rest = rest.slice(end + 2);
      const of = (name) => lines.filter((l) => l.startsWith(name + ": ")).map((l) => l.slice(name.length + 2)).join("\n");
      if (of("event")) onEvent(of("event"), JSON.parse(of("data")));
    }
  }
}

function stateOf(job) {
  const words = [element("span", { class: job.state }, job.state)];
  for (const word of ["partial", "held", "cancelling"]) {
    if (job[word]) words.push(" ", element("span", { class: word }, "(" + word + ")"));
  }
  return words;
}

// A run makes room and a command stands still; others cannot rest once they run.
const canRest = (job) => job.state === "pending" || ["run", "command"].includes(job.kind);

async function showCounts() {
  const now = await json("GET", "/api/v1/statistics");
  $("counts").textContent = `${count(now.running)} of at most ${count(now.max_concurrent)} running, ` +
    `${count(now.pending)} pending, ${count(now.completed)} completed, ${count(now.failed)} failed, ` +
    `${count(now.cancelled)} cancelled` + (now.is_open ? "" : " – the queue is paused") +
    (now.store_error ? " – the store cannot be written: " + now.store_error : "");
  $("pause").hidden = false;
  $("pause").textContent = now.is_open ? "Pause the queue" : "Open the queue";
  $("pause").onclick = () => act(async () => {
    await json("PATCH", "/api/v1/queue", { open: !now.is_open });
    await showCounts();
  });
}

async function act(what) {
  try { await what(); alertOf(null); } catch (error) { if (error.name !== "AbortError") alertOf(error); }
}

// The list.
function listPage(signal) {
  const body = element("tbody", { id: "jobs" });
  const states = element("select", { id: "state", onchange: () => { filter = states.value; load(); } },
    ["", "pending", "running", "completed", "failed", "cancelled"].map((s) =>
      element("option", { value: s, selected: s === filter }, s || "all states")));
  const more = element("button", { type: "button", hidden: true }, "Earlier jobs");
  main.replaceChildren(
    element("div", { class: "bar" }, element("label", { class: "inline" }, "Show ", states)),
    element("div", { class: "scroll" }, element("table", {},
      element("caption", {}, "Jobs, the latest first"),
      element("thead", {}, element("tr", {}, ["Job", "Kind", "State", "What", "Attempts", "Submitted"].map((t, i) =>
        element("th", { scope: "col", class: i === 4 ? "n" : null }, t)))),
      body)),
    element("p", {}, more));
  const row = (job) => element("tr", { "data-id": job.id },
    element("td", {}, element("a", { href: "#job/" + job.id }, job.id)),
    element("td", {}, job.kind),
    element("td", {}, stateOf(job)),
    element("td", { class: "title" }, job.title, job.error ? element("div", { class: "failed" }, job.error) : null),
    element("td", { class: "n" }, count(job.attempts)),
    element("td", {}, time(job.created_at)));
  const load = (before) => act(async () => {
    const query = new URLSearchParams({ limit: 50 });
    if (filter) query.set("state", filter);
    if (before) query.set("before", before);
    const page = await json("GET", "/api/v1/jobs?" + query, undefined, signal);
    const rows = page.jobs.map(row);
    if (before) body.append(...rows); else body.replaceChildren(...rows);
    if (!body.children.length) body.append(element("tr", {}, element("td", { colspan: 6 }, "There are none.")));
    more.hidden = !page.next;
    more.onclick = () => load(page.next);
    await showCounts();
  });
  load();
  // Many changes at once are one look.
  let due = null;
  const soon = () => { due = due || setTimeout(() => { due = null; if (!signal.aborted) load(); }, 500); };
  again(signal, () => follow("/api/v1/events", signal, soon));
}

// Keeps a stream open; one that breaks is asked for again.
async function again(signal, what) {
  while (!signal.aborted) {
    await act(what);
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

// A job.
function jobPage(id, signal) {
  const path = "/api/v1/jobs/" + encodeURIComponent(id);
  const parts = {};
  for (const name of ["head", "live", "accounting", "rejects", "log"]) parts[name] = element("section", { id: name });
  main.replaceChildren(...Object.values(parts));
  let last = null;
  let logNext = 0;
  let launches = 0;
  const log = element("pre", { id: "log-text", tabindex: 0, "aria-label": "log" });
  parts.log.append(element("h2", {}, "Log"), log);

  const head = async () => {
    const job = await json("GET", path, undefined, signal);
    const isOver = !["pending", "running"].includes(job.state);
    const button = (name, verb, isFine) => element("button", {
      type: "button", id: name.toLowerCase(), disabled: !isFine,
      onclick: () => act(async () => { await json("POST", path + "/" + verb, undefined, signal); await head(); }),
    }, name);
    const focused = document.activeElement && document.activeElement.id;
    fill(parts.head,
      element("h2", {}, job.id + ": ", ...stateOf(job)),
      element("p", {}, job.title ? job.kind + ": " + job.title : job.kind),
      job.error ? element("p", { class: "failed" }, job.error) : null,
      element("p", {}, `attempt ${job.attempts} of ${job.attempts_max}, submitted ${time(job.created_at)}, ` +
        `started ${time(job.started_at)}, ended ${time(job.ended_at)}`),
      element("div", { class: "bar" },
        button("Cancel", "cancel", !isOver && !job.cancelling),
        job.held ? button("Release", "release", !isOver) : button("Hold", "hold", !isOver && canRest(job)),
        button("Retry", "retry", isOver)));
    if (focused && $(focused)) $(focused).focus();
    if (isOver && job.kind === "run") await rejects();
    if (job.launches !== launches) { launches = job.launches; logNext = 0; log.textContent = ""; }
    return job;
  };

  // One at a time: who comes meanwhile waits for the one that is under way.
  let tailing = null;
  const tail = () => {
    tailing = tailing || readLog().finally(() => { tailing = null; });
    return tailing;
  };
  const readLog = async () => {
    for (;;) {
      const response = await ask("GET", path + "/logs?offset=" + logNext, undefined, signal);
      const text = await response.text();
      logNext = Number(response.headers.get("x-log-next"));
      if (!text) return;
      const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
      log.append(text);
      if (log.textContent.length > 400000) log.textContent = log.textContent.slice(-200000);
      if (isAtEnd) log.scrollTop = log.scrollHeight;
    }
  };

  const rejects = async () => {
    const found = await json("GET", path + "/rejects?limit=20", undefined, signal).catch(() => ({ rejects: [] }));
    if (!found.rejects.length) { parts.rejects.replaceChildren(); return; }
    parts.rejects.replaceChildren(element("h2", {}, "Rejects"),
      ...found.rejects.map((one) => element("pre", { tabindex: 0 }, JSON.stringify(one, null, 1))));
  };

  again(signal, async () => {
    await head();
    await tail();
    // Only runs tell where they stand; what others say is asked for.
    const timer = setInterval(() => { if (!signal.aborted) act(tail); }, 1000);
    await follow(path + "/events", signal, (event, data) => {
      if (event === "snapshot") {
        draw(parts, data, last);
        last = data;
        act(tail);
      } else act(async () => { await head(); await tail(); });
    }).finally(() => clearInterval(timer));
    await head();
    await tail();
    await tail();
    await showCounts();
    // A job at its end does not change; if someone retries it, the list shows.
    await new Promise((resolve) => setTimeout(resolve, 3000));
  });
}

// A task by where its input comes from: "task 3.0 of ".
const taskOf = (at) => at && at.split !== undefined ? `task ${at.split}.${at.share} of ` : "";

// Tasks that have waited longest, if they have for a while. (Older runs tell of none.)
const longWaits = (stage) => (stage.tasks_waiting || []).filter((wait) => wait.lasts_s >= 1).map((wait) =>
  element("p", { class: "wait" }, `task ${wait.split}.${wait.share} waits for ${wait.reason} for ${seconds(wait.lasts_s)}` +
    (wait.holder ? `, held by ${taskOf(wait.holder)}${wait.holder.stage}` : "")));

// Where a run stands: its stages as boxes, with what they hold and why they wait.
function draw(parts, now, last) {
  const passed = last && now.elapsed_s > last.elapsed_s ? now.elapsed_s - last.elapsed_s : null;
  const rate = (of, format) => {
    const average = now.elapsed_s > 0 ? of(now) / now.elapsed_s : 0;
    const recent = passed ? (of(now) - of(last)) / passed : average;
    return format(Math.round(Math.max(0, recent))) + "/s";
  };
  const share = now.bytes.total ? Math.min(1, now.bytes.in / now.bytes.total) : null;
  const term = (name, value) => [element("dt", {}, name), element("dd", {}, value)];
  const limit = (amounts) => amounts && Object.entries(amounts).map(([name, n]) => name + " " + (["blocks", "memory"].includes(name) ? bytes(n) : count(n))).join(", ");
  fill(parts.live,
    element("h2", {}, "Run"),
    share === null ? null : element("progress", { value: share, max: 1, "aria-label": "share of the input" }),
    element("p", {}, `${share === null ? "" : Math.round(share * 100) + "% of " + bytes(now.bytes.total) + ", "}` +
      `${seconds(now.elapsed_s)}, ${rate((s) => s.rows.in, count)} samples, ${rate((s) => s.bytes.in, bytes)}, ` +
      `${now.tasks} of ${now.threads} threads at work, memory ${bytes(now.memory.resident)}` +
      (now.memory.limit ? " of " + bytes(now.memory.limit) : "")),
    now.stuck ? element("p", { class: "failed" },
      `nothing moves: ${taskOf(now.stuck.task)}${now.stuck.stage} waits for ${now.stuck.waits_for}`) : null,
    element("ol", { class: "pipeline", "aria-label": "pipeline" }, now.stages.map((stage, i) => element("li", {},
      element("h3", {}, stage.name),
      element("dl", {},
        term("queued", count(stage.queued)),
        term("tasks", `${count(stage.tasks.running)} running, ${count(stage.tasks.pending)} pending`),
        term("output", `${count(stage.output.blocks)} blocks, ${bytes(stage.output.bytes)}`),
        term("rate", rate((s) => s.stages[i] ? s.stages[i].put_out.rows : 0, count)),
        term("holds", limit(stage.usage)),
        term("may take", limit(stage.budget))),
      stage.wait ? element("p", { class: "wait" }, `waits for ${stage.wait.reason} for ${seconds(stage.wait.lasts_s)}` +
        (stage.wait.holder ? `, held by ${stage.wait.holder}` : "")) : null,
      longWaits(stage)))));
  const cells = (values) => values.map((value) => element("td", { class: "n" }, count(value)));
  const header = ["in", "out", "dropped", "duplicates", "merged", "rejected"];
  parts.accounting.replaceChildren(element("h2", {}, "Samples"),
    element("div", { class: "scroll" }, element("table", {},
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "operator"),
        [...header, "busy"].map((t) => element("th", { scope: "col", class: "n" }, t)))),
      element("tbody", {},
        now.operators.map((op) => element("tr", {}, element("th", { scope: "row" }, op.name),
          cells(header.map((name) => op[name])), element("td", { class: "n" }, seconds(op.busy_s)))),
        element("tr", {}, element("th", { scope: "row" }, "in all"),
          cells(header.map((name) => now.rows[name])), element("td", {}))))));
}

// A new run.
$("new").addEventListener("click", () => { $("findings").replaceChildren(); $("submit-dialog").showModal(); });
$("close").addEventListener("click", () => $("submit-dialog").close());
function tell(findings, word) {
  $("findings").replaceChildren(
    ...findings.map((one) => element("p", { class: "finding " + (one.severity === "error" ? "failed" : "partial") },
      `${one.severity}${one.line ? ` at ${one.line}:${one.column}` : ""}: ${one.message}` +
      (one.hint ? ` (${one.hint})` : ""))),
    word ? element("p", { class: "finding" }, word) : "");
}
$("check").addEventListener("click", () => act(async () => {
  const found = await json("POST", "/api/v1/recipes/check", { recipe: $("recipe").value });
  tell(found.findings, found.ok ? `${found.steps} steps, no errors` : `${found.errors} errors`);
}));
$("submit-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const work = { kind: "run", recipe: $("recipe").value };
  if ($("threads").value) work.threads = Number($("threads").value);
  if ($("memory").value) work.memory = $("memory").value;
  const submission = { work, priority: Number($("priority").value), retry: { attempts: Number($("attempts").value) } };
  if ($("title").value) submission.title = $("title").value;
  json("POST", "/api/v1/jobs", submission).then((job) => {
    $("submit-dialog").close();
    location.hash = "job/" + job.id;
  }, (error) => tell(error.findings || [], error.message));
});

function route() {
  if (view) view.abort();
  view = new AbortController();
  alertOf(null);
  const name = location.hash.slice(1);
  if (name.startsWith("job/")) jobPage(decodeURIComponent(name.slice(4)), view.signal);
  else listPage(view.signal);
  act(showCounts);
}
window.addEventListener("hashchange", () => { route(); main.focus(); });
route();
