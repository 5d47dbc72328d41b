/** An answer that is not 2xx, in the envelope `{"error":{code, message, reason_code?, request_id}}`. Thrown by routes, never logged. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly reasonCode: string | undefined;

  constructor(status: number, code: string, message: string, reasonCode?: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.reasonCode = reasonCode;
  }
}

export const invalidRequest = (message: string): ApiError => new ApiError(400, 'invalid_request', message);
export const unauthorized = (message = 'a valid access token is needed'): ApiError =>
  new ApiError(401, 'unauthorized', message);
export const notFound = (message: string): ApiError => new ApiError(404, 'not_found', message);
