/** A call of the core as `grpcurl` takes it, to be pasted into a shell. */
export function grpcurl(call: string, request: Readonly<Record<string, unknown>>, core = "127.0.0.1:50051"): string {
  return `grpcurl -plaintext -d ${quoted(JSON.stringify(request))} ${quoted(core)} roomcast.v1.${call}`;
}

/** For any POSIX shell, whatever is in the text. */
function quoted(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
