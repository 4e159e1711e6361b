import { autocompletion, completionKeymap, type CompletionContext } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { HighlightStyle, StreamLanguage, bracketMatching, syntaxHighlighting } from '@codemirror/language';
import { setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView, keymap, lineNumbers, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import { functions, keywords, offersAt, type Offer } from '@/graph/language';
import type { Kinds } from '@/graph/kinds';

const words = new Set<string>([...keywords, 'OF', 'BY', 'GROUP', 'ORDER'].flatMap((k) => k.split(' ')));
const calls = new Set(functions.map((f) => f.name));

/** Only what is told apart by colour; the server knows the grammar. */
const language = StreamLanguage.define({
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^'(?:[^'\\]|\\.|'')*'?/) || stream.match(/^"(?:[^"\\]|\\.|"")*"?/)) return 'string';
    if (stream.match(/^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/i)) return 'number';
    if (stream.match(/^\$\w+/)) return 'propertyName';
    const word = stream.match(/^[A-Za-z_]\w*/);
    if (word && word !== true) {
      const upper = word[0].toUpperCase();
      return calls.has(upper) ? 'labelName' : words.has(upper) ? 'keyword' : 'variableName';
    }
    stream.next();
    return 'operator';
  },
});

const colors = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--accent-default)', fontWeight: '560' },
  { tag: tags.string, color: 'var(--positive-text)' },
  { tag: tags.number, color: 'var(--warning-text)' },
  { tag: tags.labelName, color: 'var(--series-s4)' },
  { tag: tags.propertyName, color: 'var(--danger-text)' },
  { tag: tags.operator, color: 'var(--text-secondary)' },
]);

const theme = EditorView.theme({
  '&': { backgroundColor: 'var(--surface-base)', color: 'var(--text-primary)', fontSize: '0.8125rem' },
  '&.cm-focused': { outline: '2px solid var(--accent-default)', outlineOffset: '-1px' },
  '.cm-scroller': {
    fontFamily: 'var(--font-mono)',
    minHeight: '7rem',
    // A query is read letter by letter.
    fontVariantLigatures: 'none',
    maxHeight: '20rem',
    lineHeight: '1.6',
  },
  '.cm-content': { caretColor: 'var(--text-primary)', padding: '0.5rem 0' },
  '.cm-cursor': { borderLeftColor: 'var(--text-primary)' },
  '.cm-gutters': {
    backgroundColor: 'transparent',
    color: 'var(--text-tertiary)',
    border: '0',
  },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    backgroundColor: 'var(--surface-active)',
  },
  '.cm-tooltip': {
    border: '1px solid var(--border-default)',
    borderRadius: '6px',
    backgroundColor: 'var(--surface-overlay)',
    color: 'var(--text-primary)',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    backgroundColor: 'var(--accent-solid)',
    color: 'var(--accent-on)',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected] .cm-completionDetail': { color: 'inherit' },
  '.cm-completionDetail': { color: 'var(--text-tertiary)', fontStyle: 'normal' },
  '.cm-diagnostic': { borderLeft: '3px solid var(--danger-text)', padding: '0.25rem 0.5rem' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--danger-text)',
    backgroundColor: 'var(--danger-soft)',
  },
  '.cm-lintPoint-error:after': { borderBottomColor: 'var(--danger-text)' },
  '.cm-placeholder': { color: 'var(--text-tertiary)' },
});

const types: Readonly<Record<Offer['kind'], string>> = {
  keyword: 'keyword',
  function: 'function',
  property: 'property',
  relationship: 'method',
  model: 'class',
  name: 'variable',
};

/** An editor of the query language: colours, offers, and a mark where the server found a mistake. */
export function QueryEditor({
  value,
  onChange,
  onRun,
  kinds,
  problem,
  label,
}: {
  value: string;
  onChange: (text: string) => void;
  /** Ctrl or Cmd with Enter. */
  onRun: () => void;
  kinds: Kinds;
  problem: { at: number; message: string } | null;
  label: string;
}) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const newest = useRef({ onChange, onRun, kinds });
  const first = useRef({ value, label });
  useEffect(() => {
    newest.current = { onChange, onRun, kinds };
  });
  useEffect(() => {
    if (!host.current) return;
    const offer = (context: CompletionContext) => {
      const found = offersAt(context.state.doc.toString(), context.pos, newest.current.kinds);
      if (
        !found ||
        (!context.explicit &&
          found.from === context.pos &&
          !/[.']$/.test(context.state.sliceDoc(0, context.pos)))
      )
        return null;
      return {
        from: found.from,
        options: found.offers.map(({ label: text, kind, detail, apply }) => ({
          label: text,
          type: types[kind],
          ...(detail === undefined ? {} : { detail }),
          ...(apply === undefined ? {} : { apply }),
        })),
        validFor: /^[\w$:;.]*$/,
      };
    };
    const made = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: first.current.value,
        extensions: [
          lineNumbers(),
          history(),
          bracketMatching(),
          language,
          syntaxHighlighting(colors),
          theme,
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': first.current.label, spellcheck: 'false' }),
          placeholder('SELECT * FROM DIGITALTWINS'),
          autocompletion({ override: [offer], icons: false }),
          keymap.of([
            {
              key: 'Mod-Enter',
              preventDefault: true,
              run: () => {
                newest.current.onRun();
                return true;
              },
            },
            ...completionKeymap,
            ...defaultKeymap,
            ...historyKeymap,
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) newest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      view.current = null;
      made.destroy();
    };
  }, []);
  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);
  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const end = editor.state.doc.length;
    const marks: Diagnostic[] = [];
    if (problem) {
      const at = Math.min(problem.at, end);
      const word = /^[\w$]+/.exec(editor.state.sliceDoc(at, end))?.[0].length ?? 1;
      marks.push({
        from: Math.max(0, Math.min(at, end - 1)),
        to: Math.min(end, at + word),
        severity: 'error',
        message: problem.message,
      });
    }
    editor.dispatch(setDiagnostics(editor.state, marks));
  }, [problem]);
  return <div ref={host} className="query-editor" />;
}
