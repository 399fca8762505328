// The style sheets as text (esbuild's loader "text"): a script on a page cannot read the extension's files.
import tokens from "../../src/veraface/server/static/css/tokens.css";
import verdict from "../../src/veraface/server/static/css/verdict.css";
import badge from "./badge.css";
import card from "./card.css";
import result from "./result.css";

export const cardStyle = tokens + verdict + result + card;
export const badgeStyle = tokens + verdict + result + badge;
