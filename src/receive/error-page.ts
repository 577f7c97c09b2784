// The page that a person sees whose comment form was not accepted.
import { escapeHtml } from '../text.ts';

/** A page that says what was wrong, and that nothing typed is lost as long as one goes back. */
export function errorPage(message: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Comment not accepted</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}</style>
</head>
<body>
<h1>Your comment was not accepted</h1>
<p>${escapeHtml(message)}</p>
<p>Go back with your browser's back button: what you wrote should still be in the form.</p>
</body>
</html>
`;
}
