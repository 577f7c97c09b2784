// The coded errors of the JSON interface. A code is `room.reason`, stable, and part of the API; this file is the whole
// list, with the HTTP status of each. Who answers with it is the app's error handler, or a door in its own dialect.

const statusByCode = {
  'http.bad_json': 400,
  'http.bad_form': 400,
  'http.bad_request': 400,
  'http.not_found': 404,
  'http.too_large': 413,
  'http.unsupported_type': 415,
  'http.rate_limited': 429,
  'http.internal': 500,
  'auth.missing_token': 401,
  'auth.bad_token': 401,
  'auth.forbidden': 403,
  'auth.foreign_origin': 403,
  'receive.bad_input': 400,
  'receive.unknown_target': 422,
  'receive.closed_target': 422,
  'receive.gone_target': 422,
  'moderate.bad_input': 400,
  'moderate.bad_cursor': 400,
  'moderate.not_found': 404,
  'moderate.illegal_move': 409,
  'moderate.status_changed': 409,
  'moderate.count_changed': 409,
  'moderate.already_undone': 409,
  'moderate.too_many': 413,
  'moderate.taken': 409,
  'moderate.refit_running': 409,
} as const;

export type Code = keyof typeof statusByCode;

/** An error that a caller can act on: a stable code, a sentence that says what and where, and optional details. */
export class CodedError extends Error {
  readonly code: Code;
  readonly details: unknown;

  constructor(code: Code, message: string, details?: unknown) {
    super(message);
    this.code = code;
    this.details = details;
  }

  get status(): (typeof statusByCode)[Code] {
    return statusByCode[this.code];
  }
}
