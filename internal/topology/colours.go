package topology

// colours are those of the console, for a file of its own.
const colours = `
.map{color-scheme:light dark;font:400 11px ui-sans-serif,system-ui,"Segoe UI",Roboto,sans-serif}
.ground{fill:light-dark(#fff,#1a1b1d)}
text{fill:light-dark(#524e48,#b8b4ac)}
.name{font-weight:600;font-size:13px;fill:light-dark(#1b1a18,#edebe7)}
.code{font-family:ui-monospace,Menlo,Consolas,monospace;fill:light-dark(#1b1a18,#edebe7)}
.quiet{font-size:10.5px;fill:light-dark(#6b665e,#9c9890)}
.strand,.arrow,.rim{fill:none;stroke-linecap:round;stroke-linejoin:round;stroke:light-dark(#00668a,#5cc4e9);stroke-width:2.25}
.rim{stroke:light-dark(#fff,#1a1b1d);stroke-width:8;stroke-linecap:butt}
.dim,.watch{stroke:light-dark(#8d877d,#74777d);stroke-width:1.5}
.strand.watch{stroke-dasharray:5 4}
.odd{stroke:light-dark(#b42318,#ff8073);stroke-width:1.5}
.strand.odd{stroke-dasharray:2 4}
.slow{stroke:light-dark(#8f5700,#eab04c);stroke-width:3}
.node{fill:light-dark(#fff,#1a1b1d);stroke:light-dark(#d0ccc4,#3c3f44)}
.node.begins{stroke:light-dark(#00668a,#5cc4e9);stroke-width:1.75}
.node.other{stroke:light-dark(#8d877d,#74777d);stroke-width:1.25}
.node.watcher{stroke-dasharray:5 4}
.topic{fill:light-dark(#f1efeb,#0f1011);stroke:light-dark(#d0ccc4,#3c3f44);stroke-width:1}
.topic.odd{fill:light-dark(#fcebe8,#3b1a17);stroke:light-dark(#b42318,#ff8073);stroke-dasharray:2 3}
.topic.slow{fill:light-dark(#fbf1de,#33270f);stroke:light-dark(#8f5700,#eab04c)}
.flagbox{fill:light-dark(#fbf1de,#33270f);stroke:none}
.flagtext{font-weight:600;fill:light-dark(#8f5700,#eab04c);stroke:none}
.flagtext.odd{fill:light-dark(#b42318,#ff8073)}
.knot{fill:light-dark(#00668a,#5cc4e9)}
.other~.knot{fill:light-dark(#8d877d,#74777d)}
.up{fill:light-dark(#26744a,#6fca93)}
.partly,.down{fill:none;stroke:light-dark(#b42318,#ff8073);stroke-width:1.5}
.half{fill:light-dark(#b42318,#ff8073)}
`
