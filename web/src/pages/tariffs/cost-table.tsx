import type { Cost } from '@/api/tariffs';
import { amount, billed, kindWord } from './money';

/** A cost line by line, and how it comes to its total. */
export function CostTable({
  cost,
  caption,
  groups = false,
}: {
  cost: Cost;
  caption: string;
  /** Whether lines say of which price group they are. */
  groups?: boolean;
}) {
  return (
    <div className="cost-scroll" tabIndex={0} role="region" aria-label={caption}>
      <table className="cost">
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">For</th>
            <th scope="col">Billed</th>
            <th scope="col">Price</th>
            <th scope="col">Tax</th>
            <th scope="col">Net</th>
          </tr>
        </thead>
        <tbody>
          {cost.lines.map((line, i) => (
            <tr key={i}>
              <th scope="row">
                {kindWord[line.kind]}
                {groups && line.element != null && <span className="sub"> group {line.element + 1}</span>}
              </th>
              <td>{billed(line)}</td>
              <td>{line.kind === 'minimum' || line.kind === 'maximum' ? '' : line.price}</td>
              <td>{line.tax_percent === undefined ? '–' : `${line.tax_percent} %`}</td>
              <td>{line.net}</td>
            </tr>
          ))}
          {cost.lines.length === 0 && (
            <tr>
              <td colSpan={5} className="faint">
                Nothing is charged
              </td>
            </tr>
          )}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={4}>
              Net
            </th>
            <td>{amount(cost.net, cost.currency)}</td>
          </tr>
          <tr>
            <th scope="row" colSpan={4}>
              Tax
            </th>
            <td>{amount(cost.tax, cost.currency)}</td>
          </tr>
          <tr className="cost-total">
            <th scope="row" colSpan={4}>
              To pay
            </th>
            <td>{amount(cost.gross, cost.currency)}</td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}
