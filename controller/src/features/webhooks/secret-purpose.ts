/** Purpose under which a webhook's signing secrets, the present and the one before, are sealed for its organisation. */
export const secretPurpose = (webhookId: string): string => `webhooks.secret:${webhookId}`;
