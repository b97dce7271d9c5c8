// Counts the words of a text.

export function run(input) {
  const { text } = JSON.parse(input) ?? {};
  if (typeof text !== 'string') {
    throw { code: 'invalid_input', message: 'expected {"text": "…"}' };
  }
  const words = text.split(/\s+/).filter((word) => word !== '');
  const counts = new Map();
  for (const word of words) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return JSON.stringify({ words: words.length, counts: Object.fromEntries(counts) });
}
