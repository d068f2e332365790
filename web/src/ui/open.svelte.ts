/** What of the shell is open; pages open parts of it without knowing them. */
class ShellState {
  palette = $state(false);
  shortcuts = $state(false);
  addServer = $state(false);
}
export const shell = new ShellState();
