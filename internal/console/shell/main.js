// What every page does: the server renders it whole; these modules keep it up to date and make it respond. A room adds its
// own in its page.js.
import { startDialogs } from "./dialogs.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startTicking } from "./tick.js";
import { startViews } from "./view.js";

startTicking();
startLive();
startViews();
startDialogs();
startKeys();
