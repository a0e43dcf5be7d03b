// The Vercel AI SDK's OpenAI-compatible client: one wish per line on stdin, one answer on stdout.
import { createInterface } from "node:readline";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { Output, generateText, jsonSchema, streamText, tool } from "ai";

globalThis.AI_SDK_LOG_WARNINGS = false;

const question = (wish) => {
  const content = [{ type: "text", text: wish.question }];
  if (wish.image) content.push({ type: "image", image: wish.image, mediaType: "image/png" });
  return [{ role: "user", content }];
};

const request = (wish) => {
  const provider = createOpenAICompatible({
    name: "gateway",
    baseURL: `${wish.url}/v1`,
    apiKey: "any",
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  const asked = { model: provider(wish.model), messages: question(wish), maxRetries: 0 };
  if (wish.tools) {
    asked.tools = { get_weather: tool({ inputSchema: jsonSchema(wish.tools) }) };
  }
  if (wish.schema) asked.output = Output.object({ schema: jsonSchema(wish.schema), name: "weather" });
  if (wish.reasoning) asked.providerOptions = { gateway: { reasoningEffort: "low" } };
  return asked;
};

const seen = async (result) => ({
  text: await result.text,
  calls: (await result.toolCalls).map((call) => [call.toolName, call.input]),
  reasoning: (await result.reasoningText) ?? "",
  input_tokens: (await result.usage).inputTokens,
  output_tokens: (await result.usage).outputTokens,
});

const ask = async (wish) => {
  if (!wish.stream) return seen(await generateText(request(wish)));
  let failure;
  const result = streamText({ ...request(wish), onError: ({ error }) => (failure = error) });
  try {
    await result.consumeStream();
    if (failure === undefined) return await seen(result);
  } catch (error) {
    failure ??= error;
  }
  throw failure;
};

for await (const line of createInterface({ input: process.stdin })) {
  let said;
  try {
    said = await ask(JSON.parse(line));
  } catch (error) {
    said = { status: error.statusCode ?? 0, message: String(error.message) };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
