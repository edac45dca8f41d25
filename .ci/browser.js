// What the checks of pages share: the browser and the packages that drive it, what it shows, and what is wrong with a page.
"use strict";
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const REQUIREMENTS = ["axe-core@4.14.1", "puppeteer-core@24.43.1"];
const WIDTHS = [1400, 420];
const SCHEMES = ["light", "dark"];
// What a page or a change on it may take: no figure, as a machine with few cores may be busy for minutes.
const WAIT_MS = 300_000;

// A browser, and the text of the rules of accessibility. MODULES has the packages; CHROMIUM names the browser.
async function launched(modules) {
  const puppeteer = require(path.resolve(modules, "puppeteer-core"));
  const axe = fs.readFileSync(path.resolve(modules, "axe-core/axe.min.js"), "utf8");
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM || execFileSync("which", ["chromium"], { encoding: "utf8" }).trim(),
    args: ["--no-sandbox", "--force-color-profile=srgb"],
    protocolTimeout: 2 * WAIT_MS,
  });
  return { browser, axe };
}

async function look(page, width, scheme) {
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
}

// What axe finds of impact serious or critical; what is less is printed.
async function seriousFaults(page, axe, place) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
  const faults = [];
  for (const { id, impact, help, nodes } of violations) {
    if (["serious", "critical"].includes(impact)) faults.push(`${id}: ${help}: ${nodes[0].html.slice(0, 200)}`);
    else console.log(`  ${place}: ${impact}: ${id}: ${help}: ${nodes[0].html.slice(0, 120)}`);
  }
  return faults;
}

// What is wider than the page, and text that is cut off or leaves its picture.
function findOverflow() {
  const faults = [];
  const page = document.documentElement;
  const isShown = (one) => one.checkVisibility({ contentVisibilityAuto: true });
  if (page.scrollWidth > page.clientWidth) faults.push(`the page scrolls sideways: ${page.scrollWidth} of ${page.clientWidth}`);
  for (const card of document.querySelectorAll(".card")) {
    if (!isShown(card)) continue;
    const right = card.getBoundingClientRect().right - 8;
    const wide = [...card.querySelectorAll("*")].find((one) => !one.closest(".scroll, svg, pre") && one.getBoundingClientRect().right > right);
    if (wide) faults.push(`leaves its card: ${wide.textContent.slice(0, 60)}`);
  }
  for (const one of document.querySelectorAll("h1, h2, h3, h4, p, dd, dt, summary, a, button")) {
    if (one.closest(".scroll") || !isShown(one) || one.matches(".tab-title")) continue;
    if (one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline")
      faults.push(`cut off: ${one.textContent.slice(0, 60)}`);
  }
  for (const picture of document.querySelectorAll(".chart svg")) {
    if (!isShown(picture)) continue;
    const frame = picture.getBoundingClientRect();
    const texts = [...picture.querySelectorAll("text")].filter((text) => text.textContent.trim());
    const areas = texts.map((text) => [text.getBoundingClientRect(), text.textContent.trim()]);
    const where = picture.getAttribute("aria-label").slice(0, 40);
    areas.forEach(([area, text], at) => {
      if (area.left < frame.left - 3 || area.right > frame.right + 3 || area.bottom > frame.bottom + 3) faults.push(`${where}: "${text}" leaves its picture`);
      for (const [other, its] of areas.slice(at + 1)) {
        const wide = Math.min(area.right, other.right) - Math.max(area.left, other.left);
        const high = Math.min(area.bottom, other.bottom) - Math.max(area.top, other.top);
        // Boxes of text are higher than their letters.
        if (wide > 1 && high > 5) faults.push(`${where}: "${text}" overlaps "${its}"`);
      }
    });
  }
  return faults;
}

module.exports = { REQUIREMENTS, SCHEMES, WAIT_MS, WIDTHS, findOverflow, launched, look, seriousFaults };
