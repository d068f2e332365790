/** What programs do over the API to follow a server: a token, JSON, the live WebSocket. */
export interface ApiClient {
  /** Throws Error with status and body for anything but 2xx. */
  get<T>(path: string): Promise<T>;
  /**
   * Follows a live topic until stop(). Messages come parsed, with the moment they arrived.
   * @returns stop
   */
  follow(topic: string, onMessage: (message: LiveMessage, atMs: number) => void): Promise<() => void>;
}

export interface LiveMessage {
  readonly type: string;
  readonly timeMs?: number;
  readonly rows?: readonly { readonly family: string; readonly instance: string; readonly values: readonly (number | null)[] }[];
}

/** Node's WebSocket takes request headers, which the browsers' does not and the types leave out. */
const WebSocketWithHeaders = WebSocket as unknown as new (url: string, options: { headers: Record<string, string> }) => WebSocket;

/** @param token an API token, for example the one of DEVFLOW_BOOTSTRAP_TOKEN */
export function apiClient(origin: string, token: string): ApiClient {
  const headers = { authorization: `Bearer ${token}` };
  return {
    async get<T>(path: string) {
      const response = await fetch(`${origin}${path}`, { headers });
      if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
      return (await response.json()) as T;
    },
    async follow(topic, onMessage) {
      const socket = new WebSocketWithHeaders(`${origin.replace("http", "ws")}/api/v1/live`, { headers });
      await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = () => reject(new Error(`${origin}: the live WebSocket was refused`));
      });
      socket.onmessage = ({ data }: MessageEvent) => onMessage(JSON.parse(String(data)) as LiveMessage, Date.now());
      socket.send(JSON.stringify({ type: "subscribe", topic }));
      return () => socket.close();
    },
  };
}
