// What the daemon explains, in its words: what holds the memory, what is planned, what can be done.
import { h, command } from "./dom.js";

const titles = [
  ["holds", "What holds the memory"],
  ["stuck", "What cannot come back, and why"],
  ["can_do", "What you can do now"],
  ["plan", "What the policy will do"],
];

export function explanation(findings) {
  return titles.map(([kind, title]) => {
    const of = findings.filter((finding) => finding.kind === kind);
    return of.length === 0 ? null : [h("h3", {}, title), h("ul", { class: "findings" }, of.map(finding))];
  });
}

function finding(one) {
  return h("li", {}, one.sentence, one.command ? h("div", {}, command(one.command)) : null);
}
