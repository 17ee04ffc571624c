import { type FixtureTool, text, tool } from './fixture-call.ts'
import KEYWORDS_SCHEMA from './keywords-schema.json' with { type: 'json' }
import { PNG, WAV } from './media.ts'

/** Long enough that a client sees the messages of a call one after another. */
const STEP_MS = 50

/** Tools that answer at once or after a few messages, by the names that the conformance suite calls. */
export const CONTENT_TOOLS: FixtureTool[] = [
  tool('test_simple_text', 'Answers with text.', () => text('This is a simple text response for testing.')),
  tool('test_image_content', 'Answers with an image.', () => ({ content: [PNG] })),
  tool('test_audio_content', 'Answers with a sound.', () => ({ content: [WAV] })),
  tool('test_embedded_resource', 'Answers with a resource.', () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  })),
  tool('test_multiple_content_types', 'Answers with text, an image and a resource.', () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      PNG,
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: '{"test":"data","value":123}',
        },
      },
    ],
  })),
  tool('test_error_handling', 'Always fails.', () => ({
    ...text('This tool intentionally returns an error for testing'),
    isError: true,
  })),
  tool('test_tool_with_logging', 'Logs three times while it works.', async ({ log }) => {
    await log('Tool execution started')
    await pause()
    await log('Tool processing data')
    await pause()
    await log('Tool execution completed')
    return text('Done, with three log messages.')
  }),
  tool('test_logging_tool', 'Logs once.', async ({ log }) => {
    await log('One message')
    return text('Done, with one log message.')
  }),
  tool('test_tool_with_progress', 'Reports its progress three times.', async ({ progress }) => {
    await progress(0)
    await pause()
    await progress(50)
    await pause()
    await progress(100)
    return text('Done, with progress.')
  }),
  tool('test_trigger_tool_change', 'Says that the list of tools changed.', ({ tell }) => {
    tell({ list: 'tools' })
    return text('Told.')
  }),
  tool('test_trigger_prompt_change', 'Says that the list of prompts changed.', ({ tell }) => {
    tell({ list: 'prompts' })
    return text('Told.')
  }),
  tool('test_trigger_resource_update', 'Says that test://watched-resource changed.', ({ tell }) => {
    tell({ resource: 'test://watched-resource' })
    return text('Told.')
  }),
  {
    definition: {
      name: 'test_header_argument',
      description: 'Has an argument that the stateless era also sends as a header.',
      inputSchema: {
        type: 'object',
        properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
        required: ['region'],
      },
    },
    run: ({ args, header }) =>
      text(`Region: ${String(args.region)}, header: ${header('mcp-param-region') ?? 'none'}`),
  },
  {
    definition: {
      name: 'json_schema_2020_12_tool',
      description: 'Has a schema with keywords that a relay must leave as they are.',
      inputSchema: { ...KEYWORDS_SCHEMA, type: 'object' },
    },
    run: ({ args }) => text(JSON.stringify(args)),
  },
]

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, STEP_MS))
}
