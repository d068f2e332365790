declare global {
  namespace App {
    interface Error {
      message: string;
      /** Names the failed request in the controller's log. */
      requestId?: string;
    }
    interface PageState {
      palette?: boolean;
    }
  }
}
export {};
