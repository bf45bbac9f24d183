/* Draws the charts of a page from the data beside them (components/chart.html): radar and stacked bars, as SVG by ECharts.
   The table that follows each chart carries the same numbers; without JavaScript it stands alone. */
(() => {
  "use strict";

  if (!window.echarts) return;

  // The content security policy forbids style attributes, and ECharts sets the font of its texts by one.
  // Writing the same words through the style object is allowed; only elements inside a chart are touched.
  const setAttribute = SVGElement.prototype.setAttribute;
  SVGElement.prototype.setAttribute = function setStyleByObject(name, value) {
    if (name === "style") {
      this.style.cssText = value;
    } else {
      setAttribute.call(this, name, value);
    }
  };

  const root = getComputedStyle(document.documentElement);
  const token = (name) => root.getPropertyValue(`--${name}`).trim();
  const locale = document.documentElement.lang === "ja" ? "JA" : "EN";
  const fits = [];

  const text = (size = 13) => ({ color: token("color-neutral-solid-gray-900"), fontFamily: root.getPropertyValue("--font"), fontSize: size });

  /** A long name goes on two lines, broken where its writing changes or at a dot or space, so that it is not cut. */
  function fold(name, width) {
    if (name.length <= width) return name;
    const breaks = [...name.matchAll(/[・\s]|[\u30a0-\u30ff](?=[\u4e00-\u9fff])|[\u4e00-\u9fff](?=[\u30a1-\u30fa])/g)];
    const middle = name.length / 2;
    const ends = breaks.map((found) => found.index + 1).filter((end) => end < name.length);
    if (!ends.length) return name;
    const end = ends.reduce((best, one) => (Math.abs(one - middle) < Math.abs(best - middle) ? one : best));
    return `${name.slice(0, end).trimEnd()}\n${name.slice(end)}`;
  }

  function common(label) {
    return {
      animation: false,
      aria: { enabled: true, label: { description: label } },
      textStyle: text(),
      tooltip: { show: false }, // all its numbers stand in the table below
    };
  }

  /** data: {axes: [{name, max}], series: [{name, values}]}; the first series is filled, the others are dashed lines. */
  function radar(data, label, width) {
    const narrow = width < 480;
    const strokes = [
      { color: token("color-primitive-blue-900"), type: "solid", symbol: "circle" },
      { color: token("color-neutral-solid-gray-700"), type: "dashed", symbol: "rect" },
      { color: token("color-primitive-orange-800"), type: "dotted", symbol: "triangle" },
    ];
    return {
      ...common(label),
      legend: {
        bottom: 0,
        data: data.series.map((one, at) => ({ name: one.name, icon: strokes[at % strokes.length].symbol })),
        itemWidth: 12,
        itemHeight: 12,
        textStyle: text(),
      },
      radar: {
        center: ["50%", "47%"],
        radius: narrow ? "50%" : "66%",
        splitNumber: Math.max(...data.axes.map((axis) => axis.max)),
        indicator: data.axes.map((axis) => ({ name: fold(axis.name, narrow ? 6 : 8), max: axis.max })),
        axisName: text(narrow ? 12 : 13),
        axisNameGap: 10,
        splitArea: { show: false },
        splitLine: { lineStyle: { color: token("color-neutral-solid-gray-200") } },
        axisLine: { lineStyle: { color: token("color-neutral-solid-gray-200") } },
      },
      series: data.series.map((one, at) => {
        const stroke = strokes[at % strokes.length];
        return {
          type: "radar",
          name: one.name,
          symbol: stroke.symbol,
          symbolSize: 7,
          itemStyle: { color: stroke.color },
          lineStyle: { color: stroke.color, type: stroke.type, width: 2.5 },
          areaStyle: at === 0 ? { color: token("color-primitive-blue-100"), opacity: 0.6 } : undefined,
          data: [{ name: one.name, value: one.values }],
        };
      }),
    };
  }

  /** data: {categories: [name], series: [{name, values}]}; at most five series, light to dark; null is not shown. */
  function bars(data, label) {
    const fills = [1, 2, 3, 4, 5].map((step) => token(`heat-${step}`) || "");
    const resolved = fills.map((fill) => (fill.startsWith("var(") ? token(fill.slice(6, -1)) : fill));
    const steps = data.series.length <= 4 ? [0, 1, 2, 4] : [0, 1, 2, 3, 4];
    return {
      ...common(label),
      legend: { top: 0, left: 0, data: data.series.map((one) => one.name), textStyle: text() },
      grid: { top: 36, right: 16, bottom: 8, left: 8, containLabel: true },
      xAxis: {
        type: "value",
        minInterval: 1,
        axisLabel: text(12),
        splitLine: { lineStyle: { color: token("color-neutral-solid-gray-100") } },
      },
      yAxis: {
        type: "category",
        inverse: true,
        data: data.categories,
        axisLabel: { ...text(), interval: 0 },
        axisTick: { show: false },
        axisLine: { lineStyle: { color: token("color-neutral-solid-gray-536") } },
      },
      series: data.series.map((one, at) => ({
        type: "bar",
        stack: "all",
        name: one.name,
        barCategoryGap: "30%",
        itemStyle: { color: resolved[steps[at]], borderColor: token("color-primitive-blue-500"), borderWidth: 1 },
        data: one.values,
      })),
    };
  }

  const KINDS = { radar, bars };

  function draw(figure) {
    const canvas = figure.querySelector(".chart__canvas");
    const source = document.getElementById(figure.dataset.chartSource);
    if (!canvas || !source || canvas.dataset.drawn) return;
    canvas.dataset.drawn = "1";
    canvas.hidden = false;
    const chart = window.echarts.init(canvas, null, { renderer: "svg", locale });
    const data = JSON.parse(source.textContent);
    const label = canvas.getAttribute("aria-label");
    const fit = () => {
      chart.resize();
      chart.setOption(KINDS[figure.dataset.chart](data, label, canvas.clientWidth));
    };
    fit();
    fits.push(fit);
  }

  function drawAll(part) {
    part.querySelectorAll("[data-chart]").forEach(draw);
  }

  let waiting = 0;
  function resizeAll() {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => fits.forEach((fit) => fit()));
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.elt instanceof Element) drawAll(event.detail.elt.parentElement || event.detail.elt);
  });
  window.addEventListener("resize", resizeAll);
  window.addEventListener("beforeprint", () => fits.forEach((fit) => fit()));
  drawAll(document);
})();
