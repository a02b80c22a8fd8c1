// Numbers as people read them, for each unit that a panel may have.

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB"];
const DECIMAL = ["", "k", "M", "G", "T"];

/** Write a number with its unit; a dash for none. */
export function text(value, unit) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  switch (unit) {
    case "share":
      return `${digits(value * 100)} %`;
    case "seconds":
      return seconds(value);
    case "bytes":
      return scaled(value, 1024, BINARY);
    case "per second":
      return `${scaled(value, 1000, DECIMAL)}/s`;
    default:
      return scaled(value, 1000, DECIMAL);
  }
}

/**
 * Make an axis for values: its marks, and where between 0 and 1 a value lies.
 *
 * Seconds go by powers of ten: what matters is whether it is a millisecond or a second.
 */
export function axis(values, unit) {
  return unit === "seconds"
    ? powers(values.filter((value) => value > 0))
    : steps(Math.max(0, ...values) || 1, unit);
}

function powers(values) {
  const low = Math.floor(Math.log10(Math.min(...values, 1)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values, 0.01)) - 1e-9));
  const marks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  const place = (value) => Math.max(0, (Math.log10(value) - low) / (high - low));
  return { marks, place };
}

/** Choose two to four round steps from 0 up to *top* or a little more. */
function steps(top, unit) {
  const base = unit === "bytes" ? 1024 ** Math.floor(Math.log(top) / Math.log(1024)) : 1;
  const rough = top / base / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 2.5, 5, 10].find((each) => each * power >= rough) * power;
  if (unit === "count") step = Math.max(1, Math.ceil(step));
  const count = Math.max(1, Math.ceil(top / base / step - 1e-9));
  const marks = Array.from({ length: count + 1 }, (_, index) => index * step * base);
  return { marks, place: (value) => value / marks.at(-1) };
}

function seconds(value) {
  if (value === 0) return "0 s";
  if (value < 1e-3) return `${digits(value * 1e6)} µs`;
  if (value < 1) return `${digits(value * 1e3)} ms`;
  return value < 120 ? `${digits(value)} s` : `${digits(value / 60)} min`;
}

function scaled(value, base, names) {
  let power = 0;
  while (Math.abs(value) >= base && power < names.length - 1) {
    value /= base;
    power += 1;
  }
  return names[power] ? `${digits(value)} ${names[power]}` : digits(value);
}

function digits(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return String(Number(value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2)));
}
