import { Color, PlaneGeometry, ShaderMaterial, type Mesh } from 'three';
import { tokens, type Theme } from '@/ui/tokens';
import { displayColor, type SceneContext, type SceneModule } from '../kit/context';
import { drawAll } from './shared';

/** The floor of the studio: a soft pool of light, and a grid whose step follows the distance. */
export class Ground implements SceneModule {
  private mesh: Mesh | null = null;
  private readonly own = {
    uGround: { value: new Color() },
    uGrid: { value: new Color() },
    uCentre: { value: [0, 0] },
    uRadius: { value: 1 },
  };

  attach(ctx: SceneContext): void {
    this.setTheme(ctx.theme);
    this.own.uCentre.value = [...ctx.layout.centre];
    this.own.uRadius.value = ctx.layout.radius;
    const material = new ShaderMaterial({
      uniforms: { ...ctx.uniforms, ...this.own },
      toneMapped: false,
      depthWrite: false,
      vertexShader: /* glsl */ `
        varying vec2 vGround;
        void main() {
          // The plane travels with the camera, so that it has no edge.
          vec3 p = vec3(position.x + cameraPosition.x, -0.02, position.y + cameraPosition.z);
          vGround = p.xz;
          gl_Position = projectionMatrix * viewMatrix * vec4(p, 1.0);
        }`,
      fragmentShader: /* glsl */ `
        varying vec2 vGround;
        uniform vec3 uGround, uGrid, uFogColor;
        uniform vec2 uFog, uCentre;
        uniform float uRadius, uDark;
        float lines(vec2 p, float step, vec2 w) {
          vec2 q = p / step;
          vec2 d = abs(fract(q - 0.5) - 0.5) * step;
          vec2 l = 1.0 - smoothstep(w * 0.6, w * 1.4, d);
          // Lines closer than a few pixels fade instead of shimmering.
          vec2 seen = 1.0 - smoothstep(0.04, 0.22, w / step);
          return max(l.x * seen.x, l.y * seen.y);
        }
        void main() {
          vec2 w = max(fwidth(vGround), 1e-4);
          float far = distance(vGround, cameraPosition.xz);
          float level = max(log2(cameraPosition.y / 180.0) / log2(5.0), -1.0);
          float base = 10.0 * pow(5.0, floor(level));
          float blend = fract(level);
          float g = max(lines(vGround, base, w) * (1.0 - blend) * 0.55, lines(vGround, base * 5.0, w) * 0.7);
          float pool = exp(-pow(distance(vGround, uCentre) / (uRadius * 1.35), 2.0));
          vec3 c = mix(uFogColor, uGround, 0.35 + 0.65 * pool);
          c += pool * mix(vec3(0.02), vec3(0.016, 0.019, 0.026), uDark);
          c = mix(c, mix(uGrid, uGrid + 0.035, uDark), g * (0.3 + 0.7 * pool));
          gl_FragColor = vec4(mix(c, uFogColor, smoothstep(uFog.x, uFog.y, far)), 1.0);
        }`,
    });
    this.mesh = drawAll(new PlaneGeometry(400_000, 400_000), material, -10);
    ctx.scene.add(this.mesh);
  }

  setTheme(theme: Theme): void {
    displayColor(this.own.uGround.value, tokens.scene.ground[theme]);
    displayColor(this.own.uGrid.value, tokens.scene.grid[theme]);
  }

  onSnapshot(): void {}

  onFrame(): boolean {
    return false;
  }

  bytes(): number {
    return 200;
  }

  dispose(): void {
    this.mesh?.geometry.dispose();
    (this.mesh?.material as ShaderMaterial | undefined)?.dispose();
    this.mesh?.removeFromParent();
  }
}
