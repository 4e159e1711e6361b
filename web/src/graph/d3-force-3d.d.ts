/** What is used of the package, which brings no types of its own. */
declare module 'd3-force-3d' {
  export interface Point {
    index?: number;
    x?: number;
    y?: number;
    z?: number;
    vx?: number;
    vy?: number;
    vz?: number;
  }
  type Strength<T> = number | ((item: T) => number);
  export interface Simulation<N extends Point> {
    nodes(nodes: N[]): this;
    force(name: string, force: unknown): this;
    numDimensions(count: 2 | 3): this;
    alpha(): number;
    alpha(value: number): this;
    alphaMin(): number;
    stop(): this;
    tick(count?: number): this;
  }
  export function forceSimulation<N extends Point>(nodes: N[], dimensions: 2 | 3): Simulation<N>;
  export function forceLink<L>(links: L[]): {
    distance(value: Strength<L>): unknown;
  };
  export function forceManyBody(): {
    strength(value: number): { distanceMax(value: number): unknown };
  };
  export function forceX(at: number): { strength(value: number): unknown };
  export function forceY(at: number): { strength(value: number): unknown };
  export function forceZ(at: number): { strength(value: number): unknown };
}
