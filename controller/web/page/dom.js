// Elements by hand. Text is always text: names come from guests and files.
const svgSpace = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) => fill(document.createElementNS(svgSpace, tag), attributes, children);

// Instead of what is in an element: lists are opened, what is null is left out.
export function put(element, ...children) {
  element.replaceChildren();
  fill(element, null, children);
}

// The same, of what is drawn again and again: who stands somewhere stays there, what is open stays open.
export function renew(element, ...children) {
  const key = (one) => `${one.tagName} ${one.getAttribute("href") ?? one.textContent}`;
  const all = (of) => [...element.querySelectorAll(of)];
  const active = document.activeElement;
  const had = element.contains(active) ? key(active) : null;
  const open = all("details[open] > summary").map((one) => one.textContent.split(":")[0]);
  const scrolled = all(".scroll").map((one) => one.scrollLeft);

  put(element, ...children);
  for (const one of all("details > summary")) if (open.includes(one.textContent.split(":")[0])) one.parentElement.open = true;
  all(".scroll").forEach((one, index) => (one.scrollLeft = scrolled[index] ?? 0));
  if (had !== null) all("a, button, summary, [tabindex]").find((one) => key(one) === had)?.focus({ preventScroll: true });
}

export function say(words) {
  document.getElementById("said").textContent = words;
}

// Figures as a list of terms.
export function figures(rows) {
  return h("dl", { class: "figures" }, rows.map(([name, value, kind]) =>
    h("div", {}, h("dt", {}, name), h("dd", { class: kind }, value))));
}

// columns: {name, number, wide, cell(row), key(row)}; a column with a key can be sorted by.
export function table(caption, columns, rows, sorting) {
  const head = columns.map((column, index) => {
    const label = column.key && sorting
      ? h("button", { type: "button", on: { click: () => sorting.by(index) } }, column.name)
      : column.name;
    const order = sorting && sorting.column === index ? (sorting.down ? "descending" : "ascending") : undefined;
    return h("th", { scope: "col", class: kind(column), "aria-sort": order }, label, order ? (sorting.down ? " ▼" : " ▲") : "");
  });
  const body = rows.map((row) => h("tr", {}, columns.map((column, index) =>
    h(index === 0 ? "th" : "td", { class: kind(column), scope: index === 0 ? "row" : undefined }, column.cell(row)))));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)));
}

const kind = (column) => [column.number && "number", column.wide && "wide"].filter(Boolean).join(" ") || undefined;

// What to type, and a button that copies it.
export function command(text) {
  const button = h("button", { type: "button", on: { click: copy } }, "Copy");

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      say(`copied: ${text}`);
    } catch {
      // Without a secure context there is no clipboard: the text is selected instead.
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  }
  const code = h("code", {}, text);
  return h("span", { class: "command" }, code, button);
}

export const failure = (error) => h("p", { class: "bad", role: "alert" }, error.message);

export const vmLink = (name) => h("a", { href: `#/vm/${encodeURIComponent(name)}` }, name);
