/** `tbk_` and 256 random bits in base64url: a user's API key. */
export const API_KEY_PATTERN = /^tbk_[A-Za-z0-9_-]{43}$/

/** `tba_` and 256 random bits in base64url: what an agent shows at the gateway. */
export const AGENT_TOKEN_PATTERN = /^tba_[A-Za-z0-9_-]{43}$/
