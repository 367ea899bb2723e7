export { screenRows, type ScreenRow } from "./screen-cells.ts";
export { openTerminal, type Key, type Terminal, type TerminalEnd, type TerminalOptions } from "./terminal.ts";
export { startXServer, type XServer } from "./x-clipboard.ts";
export { type PictureOptions, screenPicture } from "./screen-picture.ts";
