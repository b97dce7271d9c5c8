"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function resolve(spec, schema) {
  if (!schema || !schema.$ref) return schema;
  return schema.$ref.slice(2).split("/").reduce((at, key) => at && at[key.replace(/~1/g, "/").replace(/~0/g, "~")], spec);
}

// An example of a schema, cut off where it would repeat itself.
function example(spec, schema, seen = []) {
  if (schema && schema.$ref && seen.includes(schema.$ref)) return "…";
  const inside = schema && schema.$ref ? [...seen, schema.$ref] : seen;
  const plain = resolve(spec, schema);
  if (!plain) return null;
  if (plain.example !== undefined) return plain.example;
  if (plain.enum) return plain.enum[0];
  const choices = plain.oneOf || plain.anyOf;
  if (choices) return example(spec, choices.find((choice) => choice.type !== "null"), inside);
  if (plain.allOf) {
    const parts = plain.allOf.map((part) => example(spec, part, inside));
    const own = plain.properties ? [example(spec, { ...plain, allOf: undefined }, inside)] : [];
    return Object.assign({}, ...parts, ...own);
  }
  const type = Array.isArray(plain.type) ? plain.type.find((one) => one !== "null") : plain.type;
  switch (type) {
    case "object": {
      const shown = Object.entries(plain.properties || {}).map(([key, value]) => [key, example(spec, value, inside)]);
      if (shown.length === 0 && plain.additionalProperties) return { "…": example(spec, plain.additionalProperties, inside) };
      return Object.fromEntries(shown);
    }
    case "array": return [example(spec, plain.items, inside)];
    case "integer": return plain.minimum || 0;
    case "number": return 0.5;
    case "boolean": return true;
    case "string":
      if (plain.format === "date-time") return "2026-01-01T00:00:00Z";
      if (plain.format === "date") return "2026-01-01";
      if (plain.format === "uuid") return "6a0f5c1e-7b1d-4c57-9a3e-50756b000001";
      return "text";
    default: return null;
  }
}

function body(spec, title, content) {
  if (!content) return null;
  return element("div", {}, ...Object.entries(content).flatMap(([type, media]) => [
    element("h3", {}, `${title} (${type})`),
    element("pre", {}, JSON.stringify(example(spec, media.schema), null, 2)),
  ]));
}

function parameters(list) {
  if (!list || list.length === 0) return null;
  return element("table", {}, ...list.map((parameter) => element("tr", {},
    element("td", {}, parameter.name + (parameter.required ? "" : "?")),
    element("td", {}, parameter.in),
    element("td", {}, parameter.description || ""))));
}

function operation(spec, path, method, described) {
  const needs = (described.security || []).filter((one) => Object.keys(one).length > 0);
  const lock = needs.length === 0 ? null : element("span", { class: "lock" }, "sign in");
  const row = element("details", {},
    element("summary", {}, lock, element("span", { class: `method ${method}` }, method.toUpperCase()),
      element("code", {}, path), " ", described.summary || ""));
  row.dataset.text = `${method} ${path} ${described.summary || ""} ${described.description || ""}`.toLowerCase();
  // Filled when it is opened for the first time: there are many.
  row.addEventListener("toggle", () => {
    if (!row.open || row.dataset.filled) return;
    row.dataset.filled = "yes";
    if (described.description) row.append(element("p", {}, described.description));
    row.append(parameters(described.parameters) || "");
    row.append(body(spec, "Body", (described.requestBody || {}).content) || "");
    for (const [status, response] of Object.entries(described.responses || {})) {
      row.append(body(spec, `${status}: ${response.description}`, response.content)
        || element("h3", {}, `${status}: ${response.description}`));
    }
  });
  return row;
}

function show(spec) {
  document.getElementById("about").textContent = spec.info.description;
  const groups = new Map((spec.tags || []).map((tag) => [tag.name, { tag, rows: [] }]));
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of METHODS.filter((one) => item[one])) {
      const group = groups.get((item[method].tags || [])[0]);
      if (group) group.rows.push(operation(spec, path, method, item[method]));
    }
  }
  const sections = [...groups.values()].map(({ tag, rows }) =>
    element("section", {}, element("h2", {}, tag.description || tag.name), ...rows));
  document.getElementById("operations").replaceChildren(...sections);
  document.getElementById("find").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/);
    for (const section of sections) {
      let any = false;
      for (const row of section.querySelectorAll("details")) {
        row.hidden = !words.every((word) => row.dataset.text.includes(word));
        any = any || !row.hidden;
      }
      section.hidden = !any;
    }
  });
}

fetch("api/v1/openapi.json")
  .then((response) => response.json())
  .then(show)
  .catch((error) => { document.getElementById("operations").textContent = `The document could not be read: ${error}`; });
