export function toBytes(data: string): Uint8Array {
  const text = atob(data.split(",")[1]);
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}
const buffer = Buffer.from(process.env.LOGO_BASE64 ?? "", "base64");
