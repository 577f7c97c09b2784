// The forms of the TrackBack and comment doors: their fields, or what is wrong with the form in words for its sender.
import { type DecodedForm, decodeForm } from '../charset.ts';

export type ReadForm = { ok: true; fields: Map<string, string> } | { ok: false; problem: string };

/** Whether a Content-Type is that of a form's fields, whatever its charset. */
export function isFormType(contentType: string | undefined): boolean {
  return /^\s*application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType ?? '');
}

/** Whether a Content-Type is one that browsers give to forms: they may also send a form in parts, which we do not read. */
export function isAnyFormType(contentType: string | undefined): boolean {
  return isFormType(contentType) || /^\s*multipart\/form-data\s*(;|$)/i.test(contentType ?? '');
}

/** Reads a form in the charset that it declares, or that it is found to be in. */
export function readForm(body: Uint8Array, contentType: string | undefined): ReadForm {
  const form = decodeForm(body, contentType);
  return form.ok ? form : { ok: false, problem: problems[form.reason] };
}

const problems: Record<Extract<DecodedForm, { ok: false }>['reason'], string> = {
  unknown_charset: 'the charset that the form declares is not supported',
  malformed: 'the form holds bytes that its charset does not have',
  too_many_fields: 'the form has too many fields',
};
