// The way to the program: JSON when it is asked for, events as they come. One stream per page, and
// none while nobody sees it.
const listeners = new Set();
let source = null;
let state = "connecting";
const there = {}; // by whom there is to ask: whether it is

// Below /api/, unless it begins with a slash.
export async function get(path, parameters) {
  const query = new URLSearchParams(parameters ?? {}).toString();
  let response;
  try {
    response = await fetch(`${path.startsWith("/") ? path : `/api/${path}`}${query ? `?${query}` : ""}`, { headers: { Accept: "application/json" } });
  } catch {
    throw new Error("vmreclaim-web cannot be reached; is it running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `${path}: HTTP ${response.status}`);
  return answer;
}

// listener.event(event), listener.renew(): all may have changed.
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(method, argument) {
  for (const listener of [...listeners]) listener[method]?.(argument);
}

function show(next) {
  const words = { live: "live", daemon: "vmreclaimd is away", fleet: "the coordinator is away", lost: "vmreclaim-web is away", connecting: "connecting" };
  const element = document.getElementById("state");
  if (state === next) return;
  state = next;
  element.textContent = words[next];
  element.className = next === "live" || next === "connecting" ? "" : "away";
}

function open() {
  if (source !== null || document.hidden) return;
  source = new EventSource("/events");
  for (const who of ["daemon", "fleet"])
    source.addEventListener(who, (message) => {
      there[who] = JSON.parse(message.data).connected;
      show(["daemon", "fleet"].find((one) => there[one] === false) ?? "live");
      if (there[who]) tell("renew");
    });
  source.addEventListener("missed", () => tell("renew"));
  source.addEventListener("message", (message) => {
    const event = JSON.parse(message.data);
    if (event.kind === "warning") tell("renew");
    tell("event", event);
  });
  source.addEventListener("error", () => {
    show("lost");
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
    close();
    setTimeout(open, 3000);
  });
}

function close() {
  source?.close();
  source = null;
}

export function start() {
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  open();
}

// At most once in so many milliseconds, and never while the last one is under way.
export function limited(milliseconds, work) {
  let timer = null;
  let running = false;
  let again = false;
  const run = async () => {
    timer = null;
    running = true;
    try {
      await work();
    } finally {
      running = false;
      if (again) later();
    }
  };
  const later = () => {
    again = running;
    if (timer === null && !running) timer = setTimeout(run, milliseconds);
  };
  later.stop = () => clearTimeout(timer);
  return later;
}

// vmreclaim-web gives the same answer for so long.
const REMEMBERED = 1000;

// For what is read when something has changed: not before an answer can tell of it, and once more when
// more has changed while it waited.
export function reading(read) {
  let changed = 0;
  const soon = limited(REMEMBERED + 100, async () => {
    if (performance.now() - changed < REMEMBERED) soon();
    await read();
  });
  const later = () => {
    changed = performance.now();
    soon();
  };
  later.stop = soon.stop;
  return later;
}

// What no event tells of: again and again, while somebody sees it.
export function every(milliseconds, read) {
  let ended = false;
  const soon = limited(milliseconds, async () => {
    if (!ended) soon();
    if (!document.hidden) await read();
  });
  soon();
  return () => {
    ended = true;
    soon.stop();
  };
}
