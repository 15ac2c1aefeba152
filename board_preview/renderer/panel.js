// Runs in the page: draws one panel as Kibana's Vega visualization does, and describes the drawing.
// Kibana's own code: src/platform/plugins/private/vis_types/vega/public/vega_view/vega_base_view.js, vega_tooltip.js
'use strict';

const KIBANA_FUNCTIONS = ['kibanaAddFilter', 'kibanaRemoveFilter', 'kibanaRemoveAllFilters', 'kibanaSetTimeFilter'];
const PALETTE = [
  '#54B399', '#6092C0', '#D36086', '#9170B8', '#CA8EAE', '#D6BF57', '#B9A888', '#DA8B45', '#AA6556', '#E7664C',
];
const URLS_ARE_OFF = 'External URLs are not enabled. Add vis_type_vega.enableExternalUrls: true to kibana.yml';
const LONGEST_TEXT = 200;
const ACTIVE = 'a, script, iframe, object, embed, form:not(.vega-bindings), link, style, base, meta, img:not([src^="data:image/"]), [onerror], [onload]';

vega.scheme('elastic', PALETTE);
for (const name of KIBANA_FUNCTIONS) {
  vega.expressionFunction(name, function (...args) {
    const view = this.context.dataflow;
    view.runAfter(() => view.panel.called(name, args));
  });
}

window.drawPanel = async (job) => {
  const panel = new PanelView(job);
  window.panel = panel;
  job.errors.forEach((text) => panel.show('error', text));
  job.warnings.forEach((text) => panel.show('warning', text));
  if (job.errors.length === 0) {
    try {
      await panel.draw();
    } catch (error) {
      panel.show('error', error.message);
    }
  }
};

class PanelView {
  constructor(job) {
    this.job = job;
    this.calls = [];
    this.errors = [];
    this.warnings = [];
    document.body.innerHTML =
      '<section><header></header><div class="vis"><div class="view"></div><ul class="messages"></ul></div></section>';
    const section = document.querySelector('section');
    section.style.width = `${job.width}px`;
    section.style.height = `${job.height}px`;
    section.classList.toggle('untitled', !job.title);
    document.querySelector('header').textContent = job.title;
    this.container = document.querySelector('.view');
  }

  async draw() {
    const { spec, renderer, resize, tooltips } = this.job;
    this.view = new vega.View(vega.parse(spec, undefined, { ast: true }), {
      expr: vega.expressionInterpreter,
      renderer,
      loader: this.loader(),
      logger: this.logger(),
    });
    this.view.panel = this;
    this.fit(resize);
    this.view.initialize(this.container);
    this.fit(resize);
    this.view.hover();
    if (tooltips) this.view.tooltip((_, event, item, value) => showTooltip(event, value));
    await this.settle();
  }

  fit(resize) {
    if (resize) this.view.width(this.container.clientWidth).height(this.container.clientHeight);
  }

  // Waits until data, clicks and pictures have had their effect.
  async settle() {
    if (!this.view) return;
    await this.view.runAsync();
    // The renderer sets it while pictures are loading.
    while (this.view._renderer._ready) await this.view._renderer._ready;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }

  loader() {
    const loader = vega.loader();
    const sanitize = loader.sanitize.bind(loader);
    loader.sanitize = async (uri, options) => {
      // A data: URI has no origin, so Kibana counts it as external.
      if (new URL(uri, location.href).origin !== location.origin && !this.job.externalUrls) {
        this.show('error', URLS_ARE_OFF);
        throw new Error(URLS_ARE_OFF);
      }
      return Object.assign(await sanitize(uri, options), { crossOrigin: null });
    };
    return loader;
  }

  logger() {
    const logger = vega.logger(vega.Warn);
    // Kibana shows Vega's warnings only while a dashboard is edited.
    logger.warn = (...words) => this.warnings.push(words.join('\n'));
    logger.error = (...words) => this.show('error', words.map((word) => word.message ?? word).join('\n'));
    return logger;
  }

  called(name, args) {
    const plain = args.map((value) => (value === undefined ? null : JSON.parse(JSON.stringify(value))));
    if (name === 'kibanaAddFilter' || name === 'kibanaRemoveFilter') {
      const index = plain[1];
      if (index && this.job.dataViews && !this.job.dataViews.includes(index)) {
        this.show('error', `Index "${index}" not found`);
        return;
      }
    }
    this.calls.push({ name, args: plain });
  }

  show(kind, text) {
    const known = kind === 'error' ? this.errors : this.warnings;
    if (known.includes(text)) return;
    known.push(text);
    const line = document.createElement('li');
    line.className = kind;
    line.textContent = text;
    document.querySelector('.messages').append(line);
  }

  describe() {
    return {
      errors: this.errors,
      warnings: this.warnings,
      calls: this.calls,
      rows: this.view ? this.rows() : {},
      marks: this.view ? this.marks() : [],
      tooltip: document.querySelector('#tooltip')?.innerText ?? null,
      active: [...document.body.querySelectorAll(ACTIVE)].map(({ outerHTML }) => outerHTML.slice(0, LONGEST_TEXT)),
      pageTitle: document.title,
    };
  }

  rows() {
    return Object.fromEntries((this.job.spec.data ?? []).map(({ name }) => [name, this.view.data(name).length]));
  }

  marks() {
    const found = [];
    const box = this.container.querySelector('canvas, svg').getBoundingClientRect();
    const { left, top } = this.view.padding();
    const origin = this.view._origin;
    collect(this.view.scenegraph().root, box.left + left + origin[0], box.top + top + origin[1], found);
    return found;
  }
}

// Adds `mark` and all marks within it to `found`; x and y are the origin of its group in the page.
function collect(mark, x, y, found) {
  found.push({
    name: mark.name ?? null,
    type: mark.marktype,
    role: mark.role,
    items: mark.items.map((item) => description(mark, item, x, y)),
  });
  if (mark.marktype !== 'group') return;
  for (const group of mark.items) {
    for (const inner of group.items) collect(inner, x + (group.x ?? 0), y + (group.y ?? 0), found);
  }
}

function description(mark, item, x, y) {
  const { x1, y1, x2, y2 } = item.bounds;
  return {
    datum: shortened(item.datum),
    x: x + x1,
    y: y + y1,
    width: x2 - x1,
    height: y2 - y1,
    opacity: item.opacity ?? 1,
    text: mark.marktype === 'text' ? String(item.text ?? '') : null,
    loaded: mark.marktype === 'image' ? Boolean(item.image?.complete && item.image.naturalWidth > 0) : null,
  };
}

function shortened(value) {
  return JSON.parse(
    JSON.stringify(value ?? null, (_, part) =>
      typeof part === 'string' && part.length > LONGEST_TEXT ? part.slice(0, LONGEST_TEXT) : part
    )
  );
}

function showTooltip(event, value) {
  document.querySelector('#tooltip')?.remove();
  if (value == null || value === '') return;
  const box = document.createElement('div');
  box.id = 'tooltip';
  const escaped = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  box.innerHTML = vegaTooltip.formatValue(value, escaped, 2);
  document.body.append(box);
  const { width, height } = box.getBoundingClientRect();
  const above = event.clientY - height - 16;
  box.style.left = `${Math.max(4, Math.min(event.clientX - width / 2, innerWidth - width - 4))}px`;
  box.style.top = `${above < 4 ? event.clientY + 16 : above}px`;
}
