import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useRef, useState, type SubmitEvent } from 'react';
import { Mark } from '../page/mark.tsx';
import { useTitle } from '../page/use-title.ts';
import { isRefused, Unreachable } from '../server/problem.ts';
import { sessionQuery, signIn, type Proof } from '../server/session.ts';
import { forgetLinkSecret, linkSecret, takeLinkSecret } from './link-secret.ts';

/** Signs a reviewer in, by a one-time link or by a token. Nothing happens before the click: mail scanners open links. */
export function SignInPage() {
  useTitle('Sign in');
  const [link, setLink] = useState(linkSecret);
  const { to } = useSearch({ from: '/sign-in' });
  const cache = useQueryClient();
  const navigate = useNavigate();
  const field = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    const another = () => {
      takeLinkSecret(location, history);
      setLink(linkSecret());
    };
    addEventListener('hashchange', another);
    return () => removeEventListener('hashchange', another);
  }, []);
  useEffect(() => {
    (link === null ? field : button).current?.focus();
  }, [link]);

  const entry = useMutation({
    mutationFn: (proof: Proof) => signIn(proof),
    onSuccess: async (person) => {
      forgetLinkSecret();
      cache.clear();
      cache.setQueryData(sessionQuery.queryKey, person);
      await navigate({ to: to ?? '/holds', replace: true });
    },
  });

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    if (entry.isPending) return;
    if (link !== null) return entry.mutate({ link });
    const token = field.current?.value.trim() ?? '';
    if (token !== '') entry.mutate({ token });
  }

  function useToken() {
    forgetLinkSecret();
    setLink(null);
    entry.reset();
  }

  return (
    <main className="sign-in">
      <Mark />
      <h1>Sign in to Holdpoint</h1>
      <p>
        {link === null
          ? 'Agents wait here for a person. Sign in to decide on what they hold out to you.'
          : 'You opened a sign-in link. It works once, and for five minutes after it was made.'}
      </p>
      <form onSubmit={submit}>
        {link === null && (
          <label className="field">
            <span>Your reviewer’s token</span>
            <input
              ref={field}
              className="input"
              type="password"
              name="token"
              autoComplete="current-password"
              spellCheck={false}
              required
              aria-describedby={entry.error ? 'sign-in-problem' : undefined}
              aria-invalid={entry.isError}
            />
          </label>
        )}
        {entry.error && (
          <p id="sign-in-problem" role="alert" className="wrong">
            {refusal(entry.error, link !== null)}
          </p>
        )}
        <button ref={button} type="submit" className="button primary" aria-disabled={entry.isPending}>
          {entry.isPending ? 'Signing in…' : 'Sign in'}
        </button>
        {link !== null && (
          <button type="button" className="button quiet" onClick={useToken}>
            Use a token instead
          </button>
        )}
      </form>
      <p className="hint sign-in-help">
        No token at hand? <code>npx holdpoint sign-in --as you@example.com</code> prints a link.
      </p>
    </main>
  );
}

function refusal(error: Error, isLink: boolean): string {
  if (error instanceof Unreachable) return `${error.message} Check your network, then try again.`;
  if (isRefused(error, 429)) return `Too many attempts. Try again in ${error.body.retry_after ?? 60} seconds.`;
  if (isRefused(error, 401)) {
    return isLink
      ? 'This link has been used, or is older than five minutes. Ask for a new one.'
      : 'No reviewer has this token. Check that it is whole, and that it is not an agent’s.';
  }
  return error.message;
}
