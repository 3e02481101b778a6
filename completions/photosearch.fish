# fish completion for photosearch

set -l commands index search similar status failures forget embed eval bench model help version
set -l none "not __fish_seen_subcommand_from $commands"

complete -c photosearch -f
complete -c photosearch -l library -r -a '(__fish_complete_directories)' -d 'Library to use'
complete -c photosearch -l model -rF -d 'Model to use, a .safetensors file'
complete -c photosearch -l json -d 'One JSON object a line'
complete -c photosearch -s q -l quiet -d 'No notes and no progress'
complete -c photosearch -s v -l verbose -d 'More notes'
complete -c photosearch -l color -x -a 'auto always never' -d 'When to use colour'
complete -c photosearch -s h -l help -d 'Explain the command'
complete -c photosearch -s V -l version -d 'Print the version'

complete -c photosearch -n $none -a index -d 'Bring the library up to date with folders'
complete -c photosearch -n $none -a search -d 'Find photos by a sentence'
complete -c photosearch -n $none -a similar -d 'Find photos that look like an image'
complete -c photosearch -n $none -a status -d 'Tell what the library holds'
complete -c photosearch -n $none -a failures -d 'List files that could not be read'
complete -c photosearch -n $none -a forget -d 'Drop what is known of files or folders'
complete -c photosearch -n $none -a embed -d 'Print the embedding of a text or image'
complete -c photosearch -n $none -a eval -d 'Measure how well captions find their photos'
complete -c photosearch -n $none -a bench -d 'Measure the speed of the model'
complete -c photosearch -n $none -a model -d 'Show or check a model package'
complete -c photosearch -n $none -a help -d 'Tell about the program or a command'
complete -c photosearch -n $none -a version -d 'Print the version'

complete -c photosearch -n '__fish_seen_subcommand_from index similar forget eval' -F
complete -c photosearch -n '__fish_seen_subcommand_from index eval bench' -s j -l threads -x -d 'Number of threads'
complete -c photosearch -n '__fish_seen_subcommand_from index' -l hidden -d 'Also hidden files and folders'
complete -c photosearch -n '__fish_seen_subcommand_from index' -l follow-links -d 'Also folders behind symbolic links'
complete -c photosearch -n '__fish_seen_subcommand_from index' -l allow-removal -d 'Drop entries also when a named folder is empty'
complete -c photosearch -n '__fish_seen_subcommand_from index' -l retry -d 'Try files again that were given up'
complete -c photosearch -n '__fish_seen_subcommand_from search similar' -s k -l limit -x -d 'Most photos wanted'
complete -c photosearch -n '__fish_seen_subcommand_from search similar' -l min-score -x -d 'Leave out what scores below'
complete -c photosearch -n '__fish_seen_subcommand_from search' -l literal -d 'Take every word as content'
complete -c photosearch -n '__fish_seen_subcommand_from search' -l queries -rF -d 'Answer each line of a file'
complete -c photosearch -n '__fish_seen_subcommand_from search similar' -l open -d 'Open what matches in the viewer'
complete -c photosearch -n '__fish_seen_subcommand_from search similar failures' -s 0 -l print0 -d 'Paths only, each ended by a 0 byte'
complete -c photosearch -n '__fish_seen_subcommand_from search embed eval bench' -l lang -x -a 'en zh de pt id es fr ja ko it ru ar hi' -d 'Language of the words'
complete -c photosearch -n '__fish_seen_subcommand_from embed' -l text -x -d 'Text to embed'
complete -c photosearch -n '__fish_seen_subcommand_from embed bench' -l image -rF -d 'Image file'
complete -c photosearch -n '__fish_seen_subcommand_from embed eval bench model' -l precision -x -a 'int8 float' -d 'Arithmetic'
complete -c photosearch -n '__fish_seen_subcommand_from embed eval bench model' -l isa -x -a 'reference avx2 avx512vnni' -d 'Kernels'
complete -c photosearch -n '__fish_seen_subcommand_from model' -a 'info verify'
complete -c photosearch -n '__fish_seen_subcommand_from help' -a "$commands"
