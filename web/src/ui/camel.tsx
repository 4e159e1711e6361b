import { Fragment } from 'react';

/** A word made of words, `TypeConstraintViolation`, which may break where one of them begins. */
export function Camel({ text }: { text: string }) {
  return text.split(/(?<=[a-z\d])(?=[A-Z])/).map((part, i) => (
    <Fragment key={i}>
      {i > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}
