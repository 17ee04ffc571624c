import {
  type CallToolResult,
  type InputRequests,
  inputRequired,
  MissingRequiredClientCapabilityError,
} from '@modelcontextprotocol/server'
import { type FixtureCall, type FixtureTool, type Questions, text, tool } from './fixture-call.ts'
import { ENUMS_SCHEMA, elicit, formOf, VALUES_SCHEMA } from './forms.ts'

type Outcome = CallToolResult | Questions

const NAME = elicit('What is your name?', { name: { type: 'string' } })
const CONFIRM = elicit('Please confirm', { ok: { type: 'boolean' } })

/** Tools that ask the client something before they answer, by the names that the conformance suite calls. */
export const ASKING_TOOLS: FixtureTool[] = [
  {
    definition: {
      name: 'test_sampling',
      description: 'Has the model of the client answer a prompt.',
      inputSchema: { type: 'object', properties: { prompt: { type: 'string' } }, required: ['prompt'] },
    },
    run: (call) =>
      answered(call, { answer: sample(String(call.args.prompt), 100) }, (answers) =>
        text(`LLM response: ${JSON.stringify(answers.answer)}`),
      ),
  },
  {
    definition: {
      name: 'test_elicitation',
      description: 'Shows the user a form.',
      inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
    },
    run: (call) =>
      answered(
        call,
        {
          form: elicit(String(call.args.message), {
            username: { type: 'string', description: "User's response" },
            email: { type: 'string', description: "User's email address" },
          }),
        },
        (answers) => text(`User response: ${formOf(answers.form)}`),
      ),
  },
  asking('test_elicitation_sep1034_defaults', 'Shows a form with defaults.', {
    form: elicit('Please check these values', VALUES_SCHEMA, []),
  }),
  asking('test_elicitation_sep1330_enums', 'Shows a form with every kind of choice.', {
    form: elicit('Please choose', ENUMS_SCHEMA, []),
  }),
  asking('test_streaming_elicitation', 'Shows a form, without a request of its own on the stream.', {
    form: NAME,
  }),
  tool('test_missing_capability', 'Needs a client that samples.', ({ capabilities }) => {
    if (capabilities.sampling === undefined) {
      throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } })
    }
    return text('The client samples.')
  }),
  tool('test_input_required_result_elicitation', 'Asks for a name.', (call) => {
    const name = nameIn(call.answers.user_name)
    return name === null ? { ask: { user_name: NAME } } : text(`Hello, ${name}!`)
  }),
  asking('test_input_required_result_sampling', 'Asks the model of the client.', {
    capital_question: sample('What is the capital of France?', 100),
  }),
  asking('test_input_required_result_list_roots', 'Asks for the roots of the client.', {
    client_roots: inputRequired.listRoots(),
  }),
  tool('test_input_required_result_request_state', 'Asks with a state.', (call) =>
    call.state === 'confirming' && 'confirm' in call.answers
      ? text('state-ok')
      : { ask: { confirm: CONFIRM }, state: 'confirming' },
  ),
  tool('test_input_required_result_tampered_state', 'Asks with a state that nobody may change.', (call) =>
    call.state === 'sealed' && 'confirm' in call.answers
      ? text('The state came back as it was.')
      : { ask: { confirm: CONFIRM }, state: 'sealed' },
  ),
  tool('test_input_required_result_multiple_inputs', 'Asks three things at once.', (call) =>
    answered(
      call,
      {
        user_name: NAME,
        greeting: sample('Generate a greeting', 50),
        client_roots: inputRequired.listRoots(),
      },
      (answers) => text(`Answered: ${Object.keys(answers).toSorted().join(', ')}`),
      'three',
    ),
  ),
  tool('test_input_required_result_multi_round', 'Asks one thing after the other.', (call): Outcome => {
    const { state, answers } = call
    if (state === 'second' && 'step2' in answers) return text(`Colour: ${formOf(answers.step2)}`)
    if (state === 'first' && 'step1' in answers) {
      const step2 = elicit('Step 2: What is your favorite color?', { color: { type: 'string' } })
      return { ask: { step2 }, state: 'second' }
    }
    return {
      ask: { step1: elicit('Step 1: What is your name?', { name: { type: 'string' } }) },
      state: 'first',
    }
  }),
  tool('test_input_required_result_capabilities', 'Asks only what the client can answer.', (call) => {
    const ask: InputRequests = {
      ...(call.capabilities.sampling && { greeting: sample('Generate a greeting', 50) }),
      ...(call.capabilities.elicitation && { user_name: NAME }),
      ...(call.capabilities.roots && { client_roots: inputRequired.listRoots() }),
    }
    return Object.keys(ask).length === 0
      ? text('The client can be asked nothing.')
      : answered(call, ask, (answers) => text(`Answered: ${Object.keys(answers).toSorted().join(', ')}`))
  }),
]

/** A tool that asks what it is made with and answers with the answers. */
function asking(name: string, description: string, ask: InputRequests): FixtureTool {
  return tool(name, description, (call) =>
    answered(call, ask, (answers) => {
      const form = answers.form
      return text(form === undefined ? JSON.stringify(answers) : `Elicitation completed: ${formOf(form)}`)
    }),
  )
}

function answered<T>(
  call: FixtureCall,
  ask: InputRequests,
  answer: (answers: Record<string, unknown>) => T,
  state?: unknown,
): T | Questions {
  const known = Object.keys(ask).every((key) => isObject(call.answers[key]))
  return known ? answer(call.answers) : { ask, ...(state !== undefined && { state }) }
}

function sample(prompt: string, maxTokens: number) {
  return inputRequired.createMessage({
    messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
    maxTokens,
  })
}

/** The name of an accepted form; null for anything else. */
function nameIn(answer: unknown): string | null {
  if (!isObject(answer) || answer.action !== 'accept' || !isObject(answer.content)) return null
  return typeof answer.content.name === 'string' ? answer.content.name : null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
