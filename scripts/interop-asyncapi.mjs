// Reads a document with AsyncAPI's own parser; fails on an error, and prints what else it says.
import { readFileSync } from 'node:fs';
import parser from '@asyncapi/parser';

const { document, diagnostics } = await new parser.Parser().parse(readFileSync(process.argv[2], 'utf8'));
const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 0);
for (const { code, message, path } of diagnostics.slice(0, 20)) {
  console.log(`${code} at ${path.join('/')}: ${message}`);
}
if (!document || errors.length > 0) {
  console.error(`asyncapi.json: ${errors.length} errors`);
  process.exit(1);
}
const messages = document.allMessages().all().length;
console.log(`asyncapi.json: OK (AsyncAPI ${document.version()}, ${document.allChannels().all().length} channels, ` +
  `${messages} messages, ${diagnostics.length} remarks)`);
