// Figures for people, as the command line writes them. What is not known is "-".
const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function bytes(value) {
  if (value === undefined || value === null) return "-";
  let size = Math.abs(value);
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  const text = unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1).replace(/\.0$/, "");
  return `${value < 0 ? "-" : ""}${text} ${units[unit]}`;
}

export function percent(permyriad) {
  return permyriad === undefined ? "-" : `${(permyriad / 100).toFixed(1)} %`;
}

export const two = (number) => String(number).padStart(2, "0");

// UNIX nanoseconds as the time here; the date where it is not today's.
export function time(nanoseconds) {
  if (!nanoseconds) return "-";
  const date = new Date(nanoseconds / 1e6);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === new Date().toDateString()) return clock;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock}`;
}

export function seconds(nanoseconds) {
  if (nanoseconds === undefined) return "-";
  const value = nanoseconds / 1e9;
  return value < 10 ? `${value.toFixed(1)} s` : value < 120 ? `${Math.round(value)} s` : `${Math.round(value / 60)} min`;
}

// "1 VM", "2 VMs".
export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

// A word for a shell to read back.
export function quote(word) {
  return /^[A-Za-z0-9_.:/@%+=-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`;
}
