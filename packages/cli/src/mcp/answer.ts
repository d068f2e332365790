import { DevFlowError } from "@devflow/client";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { Failure } from "../failure.ts";

/** Whatever happens, an answer is no longer: a model's context is not ours to fill. */
const maxCharacters = 20_000;

/** A tool's answer: the same object as text, for hosts that read no structured content. Errors become answers that say what to do. */
export async function answer(work: () => Promise<Record<string, unknown>>): Promise<CallToolResult> {
  try {
    const value = await work();
    const text = JSON.stringify(value);
    if (text.length > maxCharacters) {
      return failed("too_large", `The answer has ${text.length} characters; ask for less: a smaller limit, fewer metrics, a shorter time`);
    }
    return { content: [{ type: "text", text }], structuredContent: value };
  } catch (error) {
    if (error instanceof DevFlowError) return failed(error.code, error.message, error.requestId);
    if (error instanceof Failure) return failed(error.code, [error.message, error.hint].filter(Boolean).join("\n"));
    throw error;
  }
}

const failed = (code: string, message: string, requestId: string | null = null): CallToolResult => ({
  isError: true,
  content: [{ type: "text", text: JSON.stringify({ error: { code, message, ...(requestId === null ? {} : { requestId }) } }) }],
});
