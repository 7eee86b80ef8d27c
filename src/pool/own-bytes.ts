/** Whether a value is bytes that only this thread has. Those in shared memory could change after they were checked. */
export function isOwnBytes(value: unknown): value is Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array && value.buffer instanceof ArrayBuffer
}
