import { Icon } from '@/ui/icons';

const steps = ['Identity', 'Credentials', 'Type it in', 'Watch it come'] as const;

/** Where in the wizard somebody is. */
export function WizardSteps({ at }: { at: number }) {
  return (
    <ol className="wizard-steps" aria-label="Steps">
      {steps.map((step, i) => (
        <li
          key={step}
          data-state={i + 1 < at ? 'done' : i + 1 === at ? 'now' : 'open'}
          aria-current={i + 1 === at ? 'step' : undefined}
        >
          <span className="dot">{i + 1 < at ? <Icon name="check" size={11} /> : i + 1}</span>
          {step}
        </li>
      ))}
    </ol>
  );
}
