// In place of the table of entities, 20 kB of it: the browser has its own. Addresses of links alone may name entities.
const area = document.createElement("textarea");

export const decodeHTML = (text) => {
  area.innerHTML = text;
  return area.value;
};
export const decodeHTMLStrict = decodeHTML;
