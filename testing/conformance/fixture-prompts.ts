import type { GetPromptResult, Prompt } from '@modelcontextprotocol/server'
import { type FixtureCall, type Questions } from './fixture-call.ts'
import { elicit, formOf } from './forms.ts'
import { PNG } from './media.ts'

export interface FixturePrompt {
  definition: Prompt
  get(call: Pick<FixtureCall, 'args' | 'answers'>): GetPromptResult | Questions
}

type Content = GetPromptResult['messages'][number]['content']

/** Prompts by the names that the conformance suite asks for. */
export const PROMPTS: FixturePrompt[] = [
  {
    definition: { name: 'test_simple_prompt', description: 'Without arguments.' },
    get: () => say(words('This is a simple prompt for testing.')),
  },
  {
    definition: {
      name: 'test_prompt_with_arguments',
      description: 'With two arguments.',
      arguments: [
        { name: 'arg1', description: 'First test argument', required: true },
        { name: 'arg2', description: 'Second test argument', required: true },
      ],
    },
    get: ({ args }) =>
      say(words(`Prompt with arguments: arg1='${String(args.arg1)}', arg2='${String(args.arg2)}'`)),
  },
  {
    definition: {
      name: 'test_prompt_with_embedded_resource',
      description: 'With a resource in it.',
      arguments: [{ name: 'resourceUri', description: 'URI of the resource', required: true }],
    },
    get: ({ args }) =>
      say(
        {
          type: 'resource',
          resource: {
            uri: String(args.resourceUri),
            mimeType: 'text/plain',
            text: 'Embedded resource content for testing.',
          },
        },
        words('Please process the embedded resource above.'),
      ),
  },
  {
    definition: { name: 'test_prompt_with_image', description: 'With an image in it.' },
    get: () => say(PNG, words('Please analyze the image above.')),
  },
  {
    definition: { name: 'test_input_required_result_prompt', description: 'Asks for its context first.' },
    get: ({ answers }) =>
      'user_context' in answers
        ? say(words(`Context: ${formOf(answers.user_context)}`))
        : {
            ask: {
              user_context: elicit('What context should the prompt use?', { context: { type: 'string' } }),
            },
          },
  },
]

function words(text: string): Content {
  return { type: 'text', text }
}

function say(...contents: Content[]): GetPromptResult {
  return { messages: contents.map((content) => ({ role: 'user', content })) }
}
