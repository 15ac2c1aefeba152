// Draws Vega panels in Chromium. Reads one job per line from standard input, and answers each with a line of JSON:
//   {title, spec, renderer, resize, tooltips, externalUrls, dataViews, width, height, errors, warnings, file, actions}
// actions: [{kind: "click" | "hover", mark, index} or {..., where: {field: value}}], done before the screenshot.
// The browser is $CHROMIUM. Nothing is fetched: the page is created here, and every request is refused.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const PAGE = 'http://kibana.invalid/';
const { resolve } = createRequire(import.meta.url);
const beside = (name) => fileURLToPath(new URL(name, import.meta.url));

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
try {
  const page = await openPage();
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(page, JSON.parse(line)))}\n`);
  }
} finally {
  await browser.close();
}

async function openPage() {
  const page = await browser.newPage();
  await page.route('**/*', (route) =>
    route.request().url() === PAGE
      ? route.fulfill({ contentType: 'text/html', body: '<!doctype html><meta charset="utf-8"><body></body>' })
      : route.abort()
  );
  await page.goto(PAGE);
  for (const library of ['vega/build/vega.js', 'vega-interpreter', 'vega-tooltip']) {
    await page.addScriptTag({ path: resolve(library) });
  }
  await page.addStyleTag({ path: beside('panel.css') });
  await page.addScriptTag({ path: beside('panel.js') });
  return page;
}

async function answer(page, job) {
  try {
    return await draw(page, job);
  } catch (error) {
    return { failed: error.message };
  }
}

async function draw(page, job) {
  await page.mouse.move(0, 0);
  await page.setViewportSize({ width: job.width, height: job.height });
  await page.evaluate((wanted) => window.drawPanel(wanted), job);
  for (const action of job.actions) await act(page, action);
  if (job.file) await page.screenshot({ path: job.file });
  return page.evaluate(() => window.panel.describe());
}

async function act(page, { kind, mark, index, where }) {
  const { marks } = await page.evaluate(() => window.panel.describe());
  const items = marks.filter(({ name }) => name === mark).flatMap((found) => found.items);
  const item = where ? items.find(({ datum }) => matches(datum, where)) : items[index];
  if (!item) throw new Error(`no item of mark [${mark}] to ${kind}: it has ${items.length}`);
  const place = [item.x + item.width / 2, item.y + item.height / 2];
  if (kind === 'click') await page.mouse.click(...place);
  else await page.mouse.move(...place);
  await page.evaluate(() => window.panel.settle());
}

function matches(datum, where) {
  return Object.entries(where).every(([field, value]) => datum?.[field] === value);
}
