import type { KnownSecrets } from '../boundary/known-secrets.ts';
import { Questions } from '../boundary/questions.ts';
import { Consultants } from '../broker/consultants.ts';
import type { Secrets } from '../credentials/secrets.ts';
import type { Bundle } from '../domain/bundle.ts';
import type { ConsultDesk } from '../domain/consult.ts';
import type { Doors } from '../domain/doors.ts';

interface Given {
  readonly doors: Doors;
  readonly secrets: Secrets;
  readonly withhold: KnownSecrets;
  readonly log: (line: string) => void;
}

/** Who is asked outside; `learn` has the decision points of a bundle answer their canaries before anybody needs them. */
export function createConsults({ doors, secrets, withhold, log }: Given): {
  readonly desk: ConsultDesk;
  learn(bundle: Bundle): void;
  close(): Promise<void>;
} {
  const questions = new Questions(doors.timers);
  const desk = new Consultants({
    doors,
    post: (question) => questions.ask(question),
    secret: (name) => secrets.reveal(name),
    clean: (text) => withhold.text(text),
  });
  return {
    desk,
    learn({ consults = [] }) {
      for (const consult of consults) {
        if (consult.kind !== 'authzen') continue;
        void desk.proven(consult).then((why) => {
          if (why !== null) log(`consult \`${consult.name}\` is not believed: ${why}`);
        });
      }
    },
    close: () => questions.close(),
  };
}
