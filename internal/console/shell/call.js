// Calls operations of the HTTP API.

// call gives the answer's body, or throws the problem (RFC 9457). A body that is text is JSON already.
export async function call(method, path, body, headers = {}) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    });
  } catch {
    throw { detail: "No answer from the console: is skald still running? Nothing was started that isn't shown below." };
  }
  const answer = await response.json().catch(() => ({ detail: response.statusText }));
  if (!response.ok) throw answer;
  return answer;
}

// worded is a problem as a sentence.
export function worded(problem) {
  const errors = (problem.errors ?? []).map((e) => (e.location ? e.location + ": " : "") + e.message);
  return [problem.detail ?? String(problem), errors.join("; ")].filter(Boolean).join(": ");
}

// plain is false for a click that opens a link elsewhere.
export function plain(event) {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}
