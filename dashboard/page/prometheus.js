// What is asked of Prometheus: of the one that serves the page, or of `?prometheus=URL`.

const SERVER = new URLSearchParams(location.search).get("prometheus") ?? "";

/** Ask its HTTP API; give the data of the answer, or throw what it says. */
async function ask(path, parameters = {}) {
  const answer = await fetch(`${SERVER}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const said = await answer.json();
  if (said.status !== "success") throw new Error(said.error);
  return said.data;
}

/** Give the series of an expression: [{labels, values}], one value or null for each time. */
export async function range(query, times) {
  const [start, end] = [times[0], times.at(-1)];
  const data = await ask("query_range", { query, start, end, step: times[1] - times[0] });
  return data.result.map(({ metric, values }) => {
    const found = new Map(values.map(([at, value]) => [Math.round(at), Number(value)]));
    const known = (at) => (Number.isFinite(found.get(at)) ? found.get(at) : null);
    return { labels: metric, values: times.map(known) };
  });
}

/** Give the values of a label that lookups have. */
export function labelValues(name) {
  return ask(`label/${name}/values`, { "match[]": "hybridcache_lookups_total" });
}

/** Give the alerts that are pending or firing. */
export async function alerts() {
  return (await ask("alerts")).alerts;
}

/** Say how often it scrapes, in seconds. */
export async function scrapeInterval() {
  const { yaml } = await ask("status/config");
  const found = /scrape_interval: (?:(\d+)m)?(?:(\d+)s)?/.exec(yaml) ?? [];
  return Number(found[1] ?? 0) * 60 + Number(found[2] ?? 0) || 15;
}
