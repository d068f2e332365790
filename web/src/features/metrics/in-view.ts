/** Drawn a little before it is scrolled to. */
const MARGIN = "200px 0px";

/** Tells whether an element is in view or near it: what is not needs no drawing every second. */
export function inView(tell: (seen: boolean) => void): (node: HTMLElement) => () => void {
  return (node) => {
    const observer = new IntersectionObserver((entries) => tell(entries.at(-1)?.isIntersecting ?? true), { rootMargin: MARGIN });
    observer.observe(node);
    return () => observer.disconnect();
  };
}
