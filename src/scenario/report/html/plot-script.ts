/**
 * Shows the counts at the instant under the pointer, or under the arrow keys, in the legend.
 *
 * Runs in the reader's browser; without it the legend shows the end of the run.
 */
export const PLOT_SCRIPT = `
(() => {
  const plot = document.getElementById('plot');
  const cursor = document.getElementById('cursor');
  const when = document.getElementById('when');
  const data = JSON.parse(document.getElementById('samples').textContent);
  const counts = [...document.querySelectorAll('[data-states]')];
  const { left, right } = plot.dataset;
  const last = data.columns.length - 1;
  const clock = (ms) => {
    const s = Math.floor(ms / 1000), two = (n) => String(n).padStart(2, '0');
    return Math.floor(s / 3600) + ':' + two(Math.floor(s % 3600 / 60)) + ':' + two(s % 60);
  };
  let at = last;
  const show = (index, following) => {
    at = Math.max(0, Math.min(last, index));
    const ms = Math.min(at * data.columnMs, data.untilMs);
    for (const node of counts) {
      const count = node.dataset.states.split(' ').reduce((sum, i) => sum + data.columns[at][i], 0);
      node.textContent = count.toLocaleString('en');
      node.parentElement.classList.toggle('none', count === 0);
    }
    when.textContent = following ? 'at ' + clock(ms) : 'at the end';
    cursor.setAttribute('visibility', following ? 'visible' : 'hidden');
    const x = +left + ms / data.untilMs * (right - left);
    cursor.setAttribute('x1', x); cursor.setAttribute('x2', x);
  };
  plot.addEventListener('pointermove', (event) => {
    const box = plot.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * plot.viewBox.baseVal.width;
    show(Math.floor((x - left) / (right - left) * data.untilMs / data.columnMs), true);
  });
  plot.addEventListener('pointerleave', () => show(last, false));
  plot.parentElement.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) { show(at + step * (event.shiftKey ? 10 : 1), true); event.preventDefault(); }
  });
})();
`;
